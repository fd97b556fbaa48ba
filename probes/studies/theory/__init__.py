"""Studies of the theory, a kind of study: their plan, what is recorded of them, and what is measured at their end."""
