"""Makes .venv and installs the hash-pinned dependencies. Standard library only: it runs before anything is installed.

Run as a file, never imported: ``python3 config/runtime/bootstrap.py [--dev] [--browser]``. Every failure is one
sentence that names the command which repairs it. Safe to run twice; two at once wait for each other.
"""

from __future__ import annotations

import argparse
import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
VENV = ROOT / ".venv"
VENV_PYTHON = VENV / "bin" / "python"
OLDEST_PYTHON = (3, 11)

# The Debian and Ubuntu packages of the libraries that the wheels' binaries expect from the system.
LIBRARY_PACKAGES = {
    "libz.so.1": "zlib1g",
    "libstdc++.so.6": "libstdc++6",
    "libgcc_s.so.1": "libgcc-s1",
    "libm.so.6": "libc6",
    "libc.so.6": "libc6",
    "libdl.so.2": "libc6",
    "librt.so.1": "libc6",
    "libpthread.so.0": "libc6",
}
BROWSER_NAMES = ("chromium", "chromium-browser", "google-chrome")
CJK_FONT_DIRS = ("/usr/share/fonts/opentype/noto", "/usr/share/fonts/truetype/noto", "/usr/share/fonts/noto-cjk")


def fail(message: str) -> None:
    """Ends the program with one readable paragraph and no traceback."""
    sys.stderr.write(f"\n{message}\n")
    raise SystemExit(1)


def apt_command(*packages: str) -> str:
    sudo = "" if os.geteuid() == 0 else "sudo "
    return f"{sudo}apt-get update && {sudo}apt-get install -y {' '.join(packages)}"


def check_python() -> None:
    if sys.version_info < OLDEST_PYTHON:
        fail(
            f"Python {sys.version.split()[0]} is too old, 3.11 or newer is needed. Install it and the venv module:\n"
            f"  {apt_command('python3', 'python3-venv')}\n"
            "(or name another interpreter: make run PYTHON=/path/to/python3.12)"
        )
    try:
        import ensurepip  # noqa: F401
        import venv  # noqa: F401
    except ImportError:
        fail(f"Python's venv module is missing. Install it:\n  {apt_command('python3-venv')}")


def venv_works() -> bool:
    if not VENV_PYTHON.exists():
        return False
    # A moved checkout or an upgraded interpreter leaves a .venv that exists and does not run.
    check = "import pip, sys; raise SystemExit(sys.prefix != sys.argv[1])"
    return subprocess.run([VENV_PYTHON, "-c", check, VENV], capture_output=True, check=False).returncode == 0


def make_venv() -> None:
    if venv_works():
        return
    print(f"making {VENV}", flush=True)
    made = subprocess.run([sys.executable, "-m", "venv", "--clear", VENV], text=True, capture_output=True, check=False)
    if made.returncode != 0:
        said = (made.stderr + made.stdout).strip()
        version = f"python{sys.version_info.major}.{sys.version_info.minor}-venv"
        fail(f"The virtual environment could not be made:\n{said}\nIf a package is missing:\n  {apt_command(version)}")


def install(lock: Path) -> None:
    """Installs exactly what the lock file pins, by hash; does nothing when that was done before."""
    digest = hashlib.sha256(lock.read_bytes()).hexdigest()
    stamp = VENV / f".installed-{lock.stem}"
    if stamp.exists() and stamp.read_text() == digest:
        return
    print(f"installing {lock.name}", flush=True)
    pip = [str(VENV_PYTHON), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--require-hashes"]
    if subprocess.run([*pip, "--requirement", str(lock)], check=False).returncode != 0:
        fail(
            f"Installing {lock.name} failed; pip's own words are above. Check the network and the package index "
            "(pip's usual settings apply), then run the same command again."
        )
    # Written only now: a killed install starts again.
    stamp.write_text(digest)


def server_binaries() -> list[Path]:
    code = "from config.runtime import valkey, postgres; print(postgres.binary('postgres'), valkey.binary(), sep='\\n')"
    found = subprocess.run([VENV_PYTHON, "-c", code], cwd=ROOT, text=True, capture_output=True, check=False)
    if found.returncode != 0:
        fail(f"The embedded servers are not installed as expected:\n{found.stderr.strip()}")
    return [Path(line) for line in found.stdout.splitlines()]


def check_libraries() -> None:
    """Each server binary must start; a missing shared library is answered with the package that holds it."""
    for path in server_binaries():
        try:
            ran = subprocess.run([path, "--version"], text=True, capture_output=True, check=False)
        except OSError as error:
            fail(f"{path} does not start on this machine: {error}")
            return
        if ran.returncode == 0:
            continue
        missing = re.search(r"loading shared libraries: (\S+?):", ran.stderr)
        if not missing:
            fail(f"{path} does not start on this machine:\n{ran.stderr.strip()}")
            return
        package = LIBRARY_PACKAGES.get(missing[1])
        find = f"Find its package:\n  apt-file search {missing[1]}"
        known = f"Install it:\n  {apt_command(package)}" if package else find
        fail(f"{path.name} needs the shared library {missing[1]}, which is missing. {known}")


def missing_browser_packages() -> list[str]:
    packages = []
    if not any(shutil.which(name) for name in BROWSER_NAMES):
        packages.append("chromium")
    if not any(next(Path(folder).glob("*CJK*"), None) for folder in CJK_FONT_DIRS):
        packages.append("fonts-noto-cjk")
    return packages


def may_install() -> bool:
    if not shutil.which("apt-get"):
        return False
    if os.geteuid() == 0:
        return True
    return bool(shutil.which("sudo")) and (
        subprocess.run(["sudo", "-n", "true"], capture_output=True, check=False).returncode == 0
    )


def ensure_browser() -> None:
    """The browser tests need a real browser and Chinese fonts: installs them when allowed, else says how."""
    packages = missing_browser_packages()
    if packages and may_install():
        print(f"installing {' '.join(packages)}", flush=True)
        sudo = [] if os.geteuid() == 0 else ["sudo", "-n"]
        quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        for arguments in (["update", "-qq"], ["install", "-y", "-qq", "--no-install-recommends", *packages]):
            subprocess.run([*sudo, "apt-get", *arguments], env=quiet, stdout=subprocess.DEVNULL, check=False)
        packages = missing_browser_packages()
    if packages:
        fail(f"The browser tests need {' and '.join(packages)}. Install:\n  {apt_command(*packages)}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--dev", action="store_true", help="also what tests and checks need")
    parser.add_argument("--browser", action="store_true", help="also Chromium and Chinese fonts from Debian")
    options = parser.parse_args()
    check_python()
    # The lock lies beside .venv, not in it: making .venv clears it.
    with open(ROOT / ".gitignore") as guard:
        fcntl.flock(guard, fcntl.LOCK_EX)
        make_venv()
        install(ROOT / "requirements.lock")
        if options.dev:
            install(ROOT / "requirements-dev.lock")
    check_libraries()
    if options.browser:
        ensure_browser()


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        raise SystemExit(130) from None
