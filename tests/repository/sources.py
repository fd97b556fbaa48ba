"""The files of the repository, the modules among them, and what each module imports."""

import ast
import os
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

# Import name of a folder at the top of the checkout.
FOLDERS = {"probes": "probes", "learners": "probes.learners", "analysis": "probes.analysis", "scripts": "scripts"}

_SKIPPED = {".git", ".venv", ".venv-rivals", "build", "dist", "demo", "runs", "node_modules", "__pycache__"}


def files() -> Iterator[Path]:
    """Every file that belongs to the repository; what tools leave behind is skipped, links are not followed."""
    for folder, folders, names in os.walk(ROOT):
        folders[:] = [name for name in folders if name not in _SKIPPED and not name.endswith(("_cache", ".egg-info"))]
        yield from (Path(folder, name) for name in names)


@cache
def modules() -> dict[str, Path]:
    """Import name -> file, for all Python of the source folders, scripts without a suffix among it."""
    return {
        _import_name(path): path
        for path in sorted(files())
        if path.relative_to(ROOT).parts[0] in FOLDERS and (path.suffix == ".py" or _is_python_script(path))
    }


def packaged() -> dict[str, Path]:
    """The modules that are installed: all but the scripts."""
    return {name: path for name, path in modules().items() if name.split(".")[0] == "probes"}


def _import_name(path: Path) -> str:
    folder, *rest = path.relative_to(ROOT).with_suffix("").parts
    return ".".join([FOLDERS[folder], *(part for part in rest if part != "__init__")])


def _is_python_script(path: Path) -> bool:
    if path.suffix:
        return False
    with path.open("rb") as stream:
        return b"python" in stream.readline(80)


@dataclass(frozen=True)
class Import:
    """One name that a module imports; `late` where that waits until a function runs."""

    target: str
    line: int
    late: bool


def imports(source: str) -> Iterator[Import]:
    """Every import of a module's text, those inside functions and by `import_module("...")` included."""
    yield from _imports(ast.parse(source), late=False)


def _imports(node: ast.AST, *, late: bool) -> Iterator[Import]:
    for child in ast.iter_child_nodes(node):
        yield from (Import(target, child.lineno, late) for target in _targets(child))
        yield from _imports(child, late=late or isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda))


def _targets(node: ast.AST) -> list[str]:
    match node:
        case ast.Import(names=names):
            return [alias.name for alias in names]
        case ast.ImportFrom(module=module, names=names, level=level):
            return ["." * level + f"{module or ''}.{alias.name}" for alias in names]
        case ast.Call(
            func=ast.Name(id="import_module" | "__import__") | ast.Attribute(attr="import_module"),
            args=[ast.Constant(value=str(target)), *_],
        ):
            return [target]
    return []
