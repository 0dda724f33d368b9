"""Who may import whom: import-linter's contracts, and fresh interpreters that list what was really loaded."""

from __future__ import annotations

import importlib
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
HEAVY = ("torch", "torchvision", "transformers", "fastapi", "starlette", "uvicorn", "safetensors")
GUI = ("napari", "qtpy", "PyQt6", "PySide6", "vispy", "superqt", "magicgui")


def lint(root: Path) -> subprocess.CompletedProcess[str]:
    code = "import sys; from importlinter.cli import lint_imports_command; lint_imports_command()"
    path = f"import sys; sys.path[:0] = [{str(root)!r}, {str(root / 'backend')!r}]; "
    return subprocess.run(
        [sys.executable, "-c", path + code, "--no-cache", "--config", str(root / "pyproject.toml")],
        cwd=root, capture_output=True, text=True, timeout=240, encoding="utf-8",
        env=environment(),
    )  # fmt: skip


def environment() -> dict[str, str]:
    import os

    return {**os.environ, "PYTHONIOENCODING": "utf-8", "PYTHONPATH": ""}


def loaded_after(statement: str) -> set[str]:
    """The top-level packages in memory after a statement, in an interpreter of its own."""
    code = (
        f"import sys; sys.path[:0] = [{str(ROOT)!r}, {str(ROOT / 'backend')!r}]; {statement}; "
        "import json; print(json.dumps(sorted({name.partition('.')[0] for name in sys.modules})))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=True)
    return set(json.loads(done.stdout.splitlines()[-1]))


def test_every_import_rule_is_kept() -> None:
    done = lint(ROOT)
    assert done.returncode == 0, done.stdout + done.stderr
    assert " 0 broken" in done.stdout


SINS = {
    "torch in imaging": ("backend/seagull_iqa/imaging/masks.py", "import torch", "neither torch nor the server"),
    "Qt in the backend": ("backend/seagull_iqa/errors.py", "import qtpy", "neither Qt nor napari"),
    "the plugin in the server": (
        "napari_seagull/tasks.py",
        "import seagull_iqa.service.jobs",
        "never in its models or its server",
    ),
    "the nouns read files": ("backend/seagull_iqa/domain/region.py", "import seagull_iqa.imaging.files", "layers"),
}


@pytest.fixture(scope="module")
def sinful(tmp_path_factory: pytest.TempPathFactory) -> subprocess.CompletedProcess[str]:
    """What import-linter says of a copy of the tree in which every sin was planted."""
    root = tmp_path_factory.mktemp("sinful")
    shutil.copy(ROOT / "pyproject.toml", root)
    for package in ("napari_seagull", "backend"):
        shutil.copytree(ROOT / package, root / package, ignore=shutil.ignore_patterns("__pycache__", "*.webp"))
    for file, statement, _ in SINS.values():
        path = root / file
        path.write_text(path.read_text(encoding="utf-8") + f"\n{statement}\n", encoding="utf-8")
    return lint(root)


@pytest.mark.parametrize("sin", SINS)
def test_a_planted_sin_is_found(sinful: subprocess.CompletedProcess[str], sin: str) -> None:
    assert sinful.returncode != 0
    broken = [line for line in sinful.stdout.splitlines() if line.endswith("BROKEN")]
    assert any(SINS[sin][2] in line for line in broken), sinful.stdout


def test_what_the_plugin_needs_at_start_loads_neither_torch_nor_the_server_nor_a_window() -> None:
    loaded = loaded_after("import napari_seagull.contributions, seagull_iqa, seagull_iqa.client")
    assert "seagull_iqa" in loaded
    assert not loaded & set(HEAVY)
    assert not loaded & {"napari", "vispy"}


def test_the_backend_loads_neither_napari_nor_qt() -> None:
    loaded = loaded_after("import seagull_iqa.service.serve, seagull_iqa.registry, seagull_iqa.cli.app")
    assert "fastapi" in loaded
    assert not loaded & set(GUI)


def test_help_and_the_public_names_load_neither_torch_nor_numpy() -> None:
    assert not loaded_after("import seagull_iqa.cli.app") & {*HEAVY, "numpy", "scipy", "PIL"}
    assert not loaded_after("import seagull_iqa") & {*HEAVY, *GUI}


def test_the_public_names_are_few_sorted_and_there() -> None:
    import seagull_iqa

    assert seagull_iqa.__all__ == [
        "Aspect",
        "Client",
        "Distortion",
        "Finding",
        "ModelCard",
        "PreparedImage",
        "Progress",
        "QualityReport",
        "Region",
        "RegionMask",
        "ScoreMap",
        "SeagullError",
        "Severity",
        "heatmap",
        "load_model",
        "prepare",
        "read_image",
        "score",
        "segment",
    ]
    assert seagull_iqa.__all__ == sorted(seagull_iqa.__all__)
    for name in seagull_iqa.__all__:
        assert getattr(seagull_iqa, name).__name__ == name
    assert set(seagull_iqa.__all__) <= set(dir(seagull_iqa))
    with pytest.raises(AttributeError):
        importlib.import_module("seagull_iqa").Nothing  # noqa: B018
