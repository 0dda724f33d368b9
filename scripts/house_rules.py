"""Count what the house rules bound: lines of modules and functions. Ends with 1 where a bound is broken."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parent.parent
MODULE_LINES = 350
FUNCTION_LINES = 50
PRODUCT = ("napari_seagull", "backend/seagull_iqa")
READ_TOO = ("tests", "scripts", "benchmarks")


def modules(folders: tuple[str, ...]) -> list[Path]:
    """Every Python file below the folders."""
    return sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py"))


def lengths(path: Path, tree: ast.Module) -> Iterator[str]:
    """Complaints about a module and its functions that are too long."""
    name = path.relative_to(ROOT)
    count = len(path.read_text(encoding="utf-8").splitlines())
    if count > MODULE_LINES:
        yield f"{name}: {count} lines, at most {MODULE_LINES}"
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.end_lineno:
            long = node.end_lineno - node.lineno + 1
            if long > FUNCTION_LINES:
                yield f"{name}:{node.lineno}: {node.name} has {long} lines, at most {FUNCTION_LINES}"


def backend_imports(path: Path, tree: ast.Module) -> Iterator[str]:
    """Complaints about imports of `backend`, which is a folder: they work here and fail from a wheel."""
    for node in ast.walk(tree):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
        if any(name.split(".")[0] == "backend" for name in names):
            yield f"{path.relative_to(ROOT)}:{node.lineno}: import seagull_iqa, not backend"


def main() -> int:
    """Print every complaint and the counts."""
    complaints: list[str] = []
    product, others = modules(PRODUCT), modules(READ_TOO)
    for path in product + others:
        tree = ast.parse(path.read_text(encoding="utf-8"), str(path))
        complaints += backend_imports(path, tree)
        if path in product:
            complaints += lengths(path, tree)
    for complaint in complaints:
        print(complaint)
    lines = sorted(len(path.read_text(encoding="utf-8").splitlines()) for path in product)
    print(f"{len(product)} modules, {lines[len(lines) // 2]} lines in the middle one, {lines[-1]} in the longest")
    print(f"{len(complaints)} house rules broken")
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
