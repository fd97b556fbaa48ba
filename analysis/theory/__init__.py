"""The theory of Allen-Zhu & Li (ICLR 2023) as a guest: what only a study of its recipes has."""
