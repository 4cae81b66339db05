"""The Chinese catalogue: complete, exact and compiled. ``--update`` extracts the texts anew and compiles it.

Extraction needs GNU gettext (``apt-get install gettext``); checking and compiling do not.
"""

import argparse
import contextlib
import io
import os
import re
import shutil
import sys
import tempfile
from pathlib import Path

import polib

ROOT = Path(__file__).resolve().parents[1]
CATALOGUE = ROOT / "config" / "locale" / "zh_Hans" / "LC_MESSAGES" / "django.po"
COMPILED = CATALOGUE.with_suffix(".mo")
NOT_OURS = [".venv", "var", "tests", "docs", "static", "build"]
WIDTH = 110

PLACEHOLDER = re.compile(r"%\((\w+)\)[#0\- +]*\d*[a-z]|%[sd]|\{(\w*)\}")
CHINESE = re.compile(r"[\u3400-\u9fff]")
# Signs and names that are the same in every language.
SAME_EVERYWHERE = re.compile(
    r"^(?:[\W\d_]|%\(\w+\)s|CSV|XLSX|XLS|UTF-8|UTF-16|GB18030|HTML|ID|JSON|URL|SHA-256|CDNOW|XML|RFM|AUC)*$"
)

Key = tuple[str | None, str, str]


def key_of(entry: polib.POEntry) -> Key:
    return entry.msgctxt, entry.msgid, entry.msgid_plural


def texts_of(entry: polib.POEntry) -> list[str]:
    return list(entry.msgstr_plural.values()) if entry.msgid_plural else [entry.msgstr]


def catalogue_faults(catalogue: polib.POFile) -> list[str]:
    """What is untranslated, fuzzy, left over, still English, or has other placeholders than its source."""
    faults = [f"left over: {entry.msgid!r}" for entry in catalogue.obsolete_entries()]
    for entry in catalogue:
        if entry.obsolete:
            continue
        texts = texts_of(entry)
        if entry.fuzzy:
            faults.append(f"fuzzy: {entry.msgid!r}")
        elif not all(texts):
            faults.append(f"untranslated: {entry.msgid!r}")
        elif not SAME_EVERYWHERE.match(entry.msgid) and not all(CHINESE.search(text) for text in texts):
            faults.append(f"still not Chinese: {entry.msgid!r} → {texts!r}")
        else:
            wanted = placeholders(entry.msgid_plural or entry.msgid)
            faults += [
                f"other placeholders: {entry.msgid!r} → {text!r}" for text in texts if placeholders(text) != wanted
            ]
    return faults


def placeholders(text: str) -> list[str]:
    return sorted(match.group(0) for match in PLACEHOLDER.finditer(text.replace("%%", "")))


def compiled_faults() -> list[str]:
    """Whether the committed .mo says exactly what the .po says; compared by content, not by date."""
    if not COMPILED.exists():
        return [f"{COMPILED.relative_to(ROOT)} is missing: make messages"]
    written = {key_of(e): texts_of(e) for e in polib.pofile(str(CATALOGUE)) if e.translated() and not e.obsolete}
    compiled = {key_of(e): texts_of(e) for e in polib.mofile(str(COMPILED))}
    if written != compiled:
        return [f"{COMPILED.relative_to(ROOT)} is not made from its .po: make messages"]
    return []


def can_extract() -> bool:
    return shutil.which("xgettext") is not None


def extracted() -> set[Key]:
    """The texts that code and templates hold now, without touching the committed catalogue."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "locale" / "zh_Hans" / "LC_MESSAGES"
        copy.mkdir(parents=True)
        _makemessages(locale=Path(folder) / "locale")
        return {key_of(entry) for entry in polib.pofile(str(copy / "django.po")) if not entry.obsolete}


def extraction_faults() -> list[str]:
    """Texts missing from the catalogue, and texts in it that nothing says any more."""
    now, before = extracted(), {key_of(entry) for entry in polib.pofile(str(CATALOGUE)) if not entry.obsolete}
    return [f"not in the catalogue: {msgid!r}" for _, msgid, _ in sorted(now - before, key=str)] + [
        f"said nowhere any more: {msgid!r}" for _, msgid, _ in sorted(before - now, key=str)
    ]


def _makemessages(*, locale: Path) -> None:
    import django
    from django.conf import settings
    from django.core.management import call_command
    from django.test import override_settings

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    if not settings.configured:
        django.setup()
    said = io.StringIO()
    ignored = [*NOT_OURS, "config/locale"]
    with contextlib.chdir(ROOT), override_settings(LOCALE_PATHS=[str(locale)]):
        call_command(
            "makemessages", locale=["zh_Hans"], ignore_patterns=ignored, no_location=True, no_obsolete=True,
            no_wrap=True, verbosity=0, stdout=said,
        )  # fmt: skip


def update() -> None:
    """Extract, keep every translation that still has its text, sort, and compile."""
    _makemessages(locale=CATALOGUE.parents[2])
    write(polib.pofile(str(CATALOGUE)))


def write(catalogue: polib.POFile) -> None:
    """Save a catalogue in its one order and compile it, so that two people's changes merge line by line."""
    tidy = polib.POFile(wrapwidth=WIDTH)
    tidy.metadata = {
        "Project-Id-Version": "membership-operations-console",
        "Language": "zh_Hans",
        "MIME-Version": "1.0",
        "Content-Type": "text/plain; charset=UTF-8",
        "Content-Transfer-Encoding": "8bit",
        "Plural-Forms": "nplurals=1; plural=0;",
    }
    entries = [entry for entry in catalogue if not entry.obsolete]
    for entry in entries:
        if "fuzzy" in entry.flags:  # A guess by likeness is worse than none.
            entry.flags.remove("fuzzy")
            entry.msgstr, entry.msgstr_plural = "", dict.fromkeys(entry.msgstr_plural, "")
        entry.previous_msgid = entry.previous_msgctxt = entry.previous_msgid_plural = None
    tidy.extend(sorted(entries, key=lambda e: (e.msgid.casefold(), e.msgid, e.msgctxt or "")))
    tidy.save(str(CATALOGUE))
    tidy.save_as_mofile(str(COMPILED))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--update", action="store_true", help="extract the texts anew and compile")
    options = parser.parse_args()
    sys.path.insert(0, str(ROOT))
    if not can_extract():
        print(
            "gettext is missing, so nothing is extracted. Install it:\n  sudo apt-get install -y gettext",
            file=sys.stderr,
        )
        if options.update or os.environ.get("CI"):
            return 1
    if options.update:
        update()
    catalogue = polib.pofile(str(CATALOGUE))
    faults = catalogue_faults(catalogue) + compiled_faults() + (extraction_faults() if can_extract() else [])
    print("\n".join(faults) or f"{len(catalogue)} texts, all in Chinese")
    return 1 if faults else 0


if __name__ == "__main__":
    raise SystemExit(main())
