"""What is installed: the manifest, the wheel's contents, the console script, and the words of the documents."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tomllib
import zipfile
from importlib.metadata import distribution, entry_points
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


def test_napari_finds_a_valid_manifest_whose_names_can_be_imported() -> None:
    from npe2 import PluginManifest

    manifest = PluginManifest.from_distribution("napari-seagull")
    manifest.validate_imports()
    assert manifest.name == "napari-seagull"
    assert [widget.display_name for widget in manifest.contributions.widgets or []] == [
        "SEAGULL region quality",
        "SEAGULL images",
        "SEAGULL regions",
        "SEAGULL report",
        "SEAGULL quality map",
        "SEAGULL compare",
        "SEAGULL over time",
        "SEAGULL rate",
        "SEAGULL fine-tune",
    ]


def test_the_samples_of_the_menu_are_the_samples_of_the_package() -> None:
    from npe2 import PluginManifest

    from seagull_iqa.samples import samples

    manifest = PluginManifest.from_distribution("napari-seagull")
    listed = {sample.key: sample.display_name for sample in manifest.contributions.sample_data or []}
    assert listed == {sample.name: sample.title for sample in samples()}


def test_the_manifest_at_the_top_is_the_one_inside() -> None:
    top, inner = ROOT / "napari.yaml", ROOT / "napari_seagull" / "napari.yaml"
    if not top.is_symlink():
        # A checkout without symbolic links (Windows) has the link's target as a line of text.
        assert top.read_text(encoding="utf-8").strip() == "napari_seagull/napari.yaml"
        return
    assert top.resolve() == inner.resolve()


def test_the_console_script_and_the_window_are_announced() -> None:
    (script,) = entry_points(group="console_scripts", name="seagull")
    assert script.load().__module__ == "seagull_iqa.__main__"
    (window,) = entry_points(group="seagull_iqa.windows", name="demo")
    assert window.load().__module__ == "napari_seagull.demo"


def test_the_version_is_said_once() -> None:
    said = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    assert distribution("napari-seagull").version == said
    assert f"## {said}" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert f"version: {said}" in (ROOT / "CITATION.cff").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    """A wheel of the working tree, built without the network: hatchling is among the tools of the tests."""
    out = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(out), str(ROOT)],
        check=True, capture_output=True, timeout=240,
    )  # fmt: skip
    (path,) = out.glob("*.whl")
    return zipfile.ZipFile(path)


def test_a_wheel_holds_the_two_packages_and_nothing_else(wheel: zipfile.ZipFile) -> None:
    top = {name.split("/")[0] for name in wheel.namelist()}
    assert {name for name in top if not name.endswith(".dist-info")} == {"napari_seagull", "seagull_iqa"}
    assert not [name for name in wheel.namelist() if "__pycache__" in name or name.endswith((".part", ".pt"))]


def test_a_wheel_brings_manifest_weights_samples_and_types(wheel: zipfile.ZipFile) -> None:
    names = set(wheel.namelist())
    entries = json.loads(wheel.read("seagull_iqa/samples/samples.json"))["samples"]
    assert len(entries) == 6
    for entry in entries:
        assert {f"seagull_iqa/samples/{entry['file']}", f"seagull_iqa/samples/{entry['name']}.json"} <= names
    assert {"napari_seagull/napari.yaml", "napari_seagull/py.typed", "seagull_iqa/py.typed"} <= names
    weights = [name for name in names if name.endswith(".safetensors")]
    assert weights == ["seagull_iqa/models/weights/seagull-mini.safetensors"]
    assert wheel.getinfo(weights[0]).file_size <= 16 * 2**20
    assert "seagull_iqa/models/weights/seagull-mini.json" in names


def test_a_wheel_is_small_enough_to_mail(wheel: zipfile.ZipFile) -> None:
    assert sum(info.compress_size for info in wheel.infolist()) < 25 * 2**20


def test_the_base_install_asks_for_neither_torch_nor_a_window() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    base = {re.split(r"[^\w-]", line)[0].lower() for line in project["dependencies"]}
    assert not base & {"torch", "napari", "pyqt6", "pyside6", "fastapi", "uvicorn", "transformers"}
    wanted = {"backend", "napari", "all", "test"}
    assert wanted <= set(project["optional-dependencies"])


def test_every_file_that_the_readme_links_to_is_there() -> None:
    for document in ("README.md", "CONTRIBUTING.md", "docs/cli.md"):
        text = (ROOT / document).read_text(encoding="utf-8")
        for target in re.findall(r"\]\((?!https?://|#|mailto:)([^)#\s]+)", text):
            assert ((ROOT / document).parent / target).exists(), f"{document} links to {target}"


def test_every_test_that_the_documents_name_is_there() -> None:
    known = {
        name
        for path in (ROOT / "tests").rglob("test_*.py")
        for name in re.findall(r"^(?:async )?def (test_\w+)", path.read_text(encoding="utf-8"), re.MULTILINE)
    }
    named = {
        name
        for path in (ROOT / "docs").glob("*.md")
        for name in re.findall(r"`(test_\w+)`", path.read_text(encoding="utf-8"))
    }
    assert len(named) >= 20
    assert named <= known, sorted(named - known)


def test_scores_have_the_same_colors_in_the_window_and_in_files() -> None:
    from napari_seagull.views import palette as window
    from seagull_iqa.imaging import palette as files

    assert window.QUALITY_STOPS == files.QUALITY_STOPS
    for value in (None, 0.0, 12.0, 33.3, 50.0, 87.0, 100.0):
        assert window.quality_rgb(value) == files.quality_rgb(value)


def test_the_house_rules_are_kept() -> None:
    done = subprocess.run(
        [sys.executable, str(ROOT / "scripts" / "house_rules.py")], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stdout
