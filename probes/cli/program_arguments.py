"""Where on a command line the words of a program of the user's own begin."""

from collections.abc import Collection, Sequence

__all__ = ["program_in"]


def program_in(words: Sequence[str], with_value: Collection[str]) -> tuple[list[str], list[str]]:
    """The words before the program, and those from the program on: none where there is no program.

    A program is ``-m`` with a module, or a script, which is the first word that is no option if it ends in ``.py``.

    Args:
        words: What was typed after the verb.
        with_value: The options that take the next word as their value.

    Example:
        >>> program_in(["--out", "a.py", "train.py", "--out", "b"], {"--out"})
        (['--out', 'a.py'], ['train.py', '--out', 'b'])
        >>> program_in(["theory", "--out", "runs"], {"--out"})
        (['theory', '--out', 'runs'], [])
    """
    place = 0
    while place < len(words):
        word = words[place]
        if word == "--" or not word.startswith("-") or word == "-":
            place += word == "--"
            break
        if word.startswith("-m") and len(words) > place + (word == "-m"):
            module = ["-m", word[2:], *words[place + 1 :]] if word != "-m" else list(words[place:])
            return list(words[:place]), module
        place += 2 if word in with_value else 1

    if place < len(words) and words[place].endswith(".py"):
        return [word for word in words[:place] if word != "--"], list(words[place:])
    return list(words), []
