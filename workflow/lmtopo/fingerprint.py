"""Fingerprints of a stage's code, so that an edit recomputes what it can change, and no more.

Snakemake does not see edits of library modules. Each rule therefore carries, among its
parameters, the fingerprint of its stage: a hash of the syntax trees of the stage's module and of
every lmtopo module it imports, without docstrings, comments and layout. Imports made only for
types do not count.
"""

import ast
import hashlib
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parent
WITHOUT_EFFECT = frozenset({"checksums", "errors", "files", "hub", "job", "memory", "provenance"})
"""Modules that every stage may use and that change no result (the hub's bytes are verified)."""


@cache
def fingerprint(stage: str) -> str:
    """Fingerprint of the module or package ``lmtopo.{stage}`` and of what it imports."""
    seen: dict[str, str] = {}
    waiting = [stage]
    while waiting:
        module = waiting.pop()
        if module in seen or module.split(".")[0] in WITHOUT_EFFECT:
            continue
        seen[module], imports = digest(module)
        waiting += imports
    text = "\n".join(f"{module} {seen[module]}" for module in sorted(seen))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


@cache
def digest(module: str) -> tuple[str, list[str]]:
    """Hash of a module's syntax tree and its package's data, and the lmtopo modules it imports."""
    tree = Bare().visit(ast.parse(file_of(module).read_text()))
    imports = {found for node in ast.walk(tree) for found in imported(node)}
    digested = hashlib.sha256(ast.dump(tree).encode())
    for path in data_of(module):
        digested.update(path.read_bytes())
    return digested.hexdigest(), sorted(imports)


def data_of(module: str) -> list[Path]:
    """Files of a package that are no Python, such as the sources of a page."""
    folder = ROOT.joinpath(*module.split("."))
    return [
        path
        for path in (sorted(folder.rglob("*")) if folder.is_dir() else [])
        if path.is_file() and path.suffix != ".py" and "__pycache__" not in path.parts
    ]


def imported(node: ast.AST) -> list[str]:
    """The lmtopo modules that an import statement names, relative to the package."""
    if isinstance(node, ast.Import):
        names = [alias.name for alias in node.names]
    elif isinstance(node, ast.ImportFrom) and node.module:
        names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
    else:
        return []
    inside = [name.removeprefix("lmtopo.") for name in names if name.startswith("lmtopo.")]
    return [name for name in inside if exists(name)]


def exists(module: str) -> bool:
    path = ROOT.joinpath(*module.split("."))
    return path.with_suffix(".py").is_file() or (path / "__init__.py").is_file()


def file_of(module: str) -> Path:
    path = ROOT.joinpath(*module.split("."))
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")


class Bare(ast.NodeTransformer):
    """Removes what changes no result: docstrings and imports for types."""

    def visit(self, node: ast.AST) -> ast.AST:
        super().generic_visit(node)
        body = getattr(node, "body", None)
        if isinstance(body, list):
            node.body = [kept for kept in body if not without_effect(kept)]  # type: ignore[attr-defined]
        return node


def without_effect(statement: ast.AST) -> bool:
    if isinstance(statement, ast.Expr):
        return isinstance(statement.value, ast.Constant) and isinstance(statement.value.value, str)
    return (
        isinstance(statement, ast.If)
        and isinstance(statement.test, ast.Name)
        and statement.test.id == "TYPE_CHECKING"
    )
