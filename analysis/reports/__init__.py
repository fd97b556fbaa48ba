"""Findings as pages: panels, the report of a study, and several studies side by side."""
