"""Setting up: the lock serves every supported Python, and a missing system package is named with its command."""

import importlib.util
import re
import subprocess
from importlib import metadata
from pathlib import Path
from types import ModuleType

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from config.runtime.servers import ROOT

LOCKS = ("requirements.lock", "requirements-dev.lock")
PYTHONS = ("3.11.0", "3.11.9", "3.12.0", "3.13.0", "3.14.0")


@pytest.fixture
def bootstrap() -> ModuleType:
    spec = importlib.util.spec_from_file_location("bootstrap", ROOT / "config" / "runtime" / "bootstrap.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def pinned(lock: str) -> dict[str, str]:
    lines = re.findall(r"^([A-Za-z0-9._-]+)(?:\[.*\])?==(\S+)", (ROOT / lock).read_text(), re.MULTILINE)
    return {canonicalize_name(name): version for name, version in lines}


@pytest.mark.parametrize("lock", LOCKS)
def test_every_pin_has_a_hash_and_no_address(lock: str) -> None:
    text = (ROOT / lock).read_text()
    blocks = re.split(r"\n(?=[A-Za-z0-9])", text)[1:]
    assert all("--hash=sha256:" in block for block in blocks)
    assert not re.search(r"https?://|file://|--index|--find-links", text)


def test_both_locks_agree() -> None:
    run, dev = map(pinned, LOCKS)
    assert run.items() <= dev.items()


@pytest.mark.parametrize("python", PYTHONS)
def test_the_lock_holds_what_each_python_asks_for(python: str) -> None:
    held = pinned("requirements-dev.lock")
    environment = {"python_full_version": python, "python_version": python.rpartition(".")[0]}
    missing = [
        f"{name}: {text}"
        for name in held
        for text in metadata.requires(name) or []
        if (wanted := Requirement(text)).marker
        and "extra" not in str(wanted.marker)
        and wanted.marker.evaluate(environment)
        and canonicalize_name(wanted.name) not in held
    ]
    assert missing == []


def test_every_direct_dependency_is_pinned() -> None:
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = {canonicalize_name(Requirement(text).name) for text in project["dependencies"]}
    assert wanted <= pinned("requirements.lock").keys()
    extra = {canonicalize_name(Requirement(text).name) for text in project["optional-dependencies"]["dev"]}
    assert extra <= pinned("requirements-dev.lock").keys()


def test_a_missing_shared_library_is_named_with_its_package(
    bootstrap: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    program = tmp_path / "postgres"
    program.write_text("#!/bin/sh\necho 'error while loading shared libraries: libz.so.1: cannot open' >&2\nexit 127\n")
    program.chmod(0o755)
    monkeypatch.setattr(bootstrap, "server_binaries", lambda: [program])
    with pytest.raises(SystemExit):
        bootstrap.check_libraries()
    assert "apt-get install -y zlib1g" in capsys.readouterr().err


def test_the_installed_servers_start_here(bootstrap: ModuleType) -> None:
    assert {path.name for path in bootstrap.server_binaries()} == {"postgres", "valkey-server"}
    bootstrap.check_libraries()


def test_an_old_python_is_told_what_to_install(
    bootstrap: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(bootstrap, "OLDEST_PYTHON", (99, 0))
    with pytest.raises(SystemExit):
        bootstrap.check_python()
    assert "apt-get install -y python3 python3-venv" in capsys.readouterr().err


def test_a_missing_venv_module_is_told_how_to_install(
    bootstrap: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "ensurepip", None)
    with pytest.raises(SystemExit):
        bootstrap.check_python()
    assert "apt-get install -y python3-venv" in capsys.readouterr().err


def test_a_browser_that_may_not_be_installed_fails_with_the_command(
    bootstrap: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(bootstrap, "missing_browser_packages", lambda: ["chromium", "fonts-noto-cjk"])
    monkeypatch.setattr(bootstrap, "may_install", lambda: False)
    with pytest.raises(SystemExit):
        bootstrap.ensure_browser()
    assert "apt-get install -y chromium fonts-noto-cjk" in capsys.readouterr().err


def test_an_interrupted_install_is_not_taken_for_done(
    bootstrap: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[list[str]] = []

    def fails_once(command: list[str], **options: object) -> subprocess.CompletedProcess[str]:
        calls.append(command)
        return subprocess.CompletedProcess(command, 1 if len(calls) == 1 else 0)

    lock = tmp_path / "requirements.lock"
    lock.write_text("a==1 --hash=sha256:0")
    monkeypatch.setattr(bootstrap, "VENV", tmp_path)
    monkeypatch.setattr(bootstrap.subprocess, "run", fails_once)
    with pytest.raises(SystemExit):
        bootstrap.install(lock)
    bootstrap.install(lock)
    bootstrap.install(lock)
    assert len(calls) == 2
    lock.write_text("a==2 --hash=sha256:0")
    bootstrap.install(lock)
    assert len(calls) == 3


def test_bare_make_lists_the_targets() -> None:
    told = subprocess.run(["make"], cwd=ROOT, text=True, capture_output=True, check=True).stdout
    for target in ("run", "test", "lint", "screenshots", "bench", "soak", "check-install", "clean"):
        assert re.search(rf"^  {target} +\S", told, re.MULTILINE), target
