"""What is said about an import: every issue and failure with what to do about it, in one place."""

from collections.abc import Mapping

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from members.files import words as files
from members.files.words import Wording
from members.terms.words import REFUSALS as TERM_REFUSALS

Text = str | Promise


ISSUES: Mapping[str, Wording] = {
    "ragged": Wording(_("Wrong number of cells"), _("Give the row as many cells as the header has; quote cells that contain the separator.")),
    "cell_too_long": Wording(_("Cell over 128 KB"), _("Shorten the cell, or close the quote that was opened before it.")),
    "stray_quote": Wording(_("Quote inside a cell"), _("Write a quote inside a quoted cell twice, or remove it.")),
    "nul": Wording(_("Invisible NUL character"), _("Remove the NUL character from the cell; save the file as text again.")),
    "formula_cell": Wording(_("Formula instead of a value"), _("Copy the cells and paste them as values, then save the file again.")),
    "formula": Wording(_("Formula instead of a value"), _("Replace the formula by its value; a text that begins with = needs a ' before it.")),
    "placeholder": Wording(_("Placeholder such as NaN or #N/A"), _("Leave the cell empty when there is nothing to say.")),
    "not_a_number": Wording(_("NaN or infinity"), _("Leave the cell empty or write the value.")),
    "too_long": Wording(_("Text too long"), _("Shorten the text.")),
    "scientific": Wording(_("Number shortened by Excel"), _("Format the column as text, enter the full number and save the file again.")),
    "bad_phone": Wording(_("Not a phone number"), _("Write 11 digits, or + and the country code.")),
    "bad_email": Wording(_("Not an email address"), _("Write it like name@example.com, or leave the cell empty.")),
    "no_such_date": Wording(_("No such date"), _("Write a date that exists, like 2026-11-30.")),
    "bad_date": Wording(_("Not a date"), _("Write it like 2026-11-30 or 2026-11-30 09:00.")),
    "ambiguous_date": Wording(_("Day or month first?"), _("Write the year first, like 2026-11-30.")),
    "unlikely_date": Wording(_("Date before 1900 or after 2199"), _("Check the year.")),
    "excel_serial": Wording(_("Excel day number read as a date"), _("Nothing to do if the dates in the report are right.")),
    "bad_amount": Wording(_("Not an amount"), _("Write it like 268.00, without words.")),
    "too_many_decimals": Wording(_("More decimals than the currency has"), _("Write JPY without decimals, CNY with two at most.")),
    "amount_too_large": Wording(_("Amount too large"), _("Check the amount and its currency.")),
    "bad_number": Wording(_("Not a whole number"), _("Write a whole number.")),
    "bad_currency": Wording(_("Not a currency"), _("Write the three-letter code of a currency, like CNY.")),
    "bad_flag": Wording(_("Neither yes nor no"), _("Write yes or no (是 or 否).")),
    "unknown_gender": Wording(_("Unknown gender"), _("Write female, male or other (女, 男), or leave the cell empty.")),
    "unknown_kind": Wording(_("Unknown kind of term"), _("Write paid, trial, gift or compensation.")),
    "unknown_contract": Wording(_("Unknown contract"), _("Write Month-to-month, One year or Two year.")),
    "unknown_status": Wording(_("Unknown status"), _("It is not compared; nothing else depends on it.")),
    "unknown_zone": Wording(_("Unknown time zone"), _("Write an IANA name like Asia/Shanghai.")),
    "unknown_tier": Wording(_("Tier does not exist"), _("Create the tier, or write a name that exists.")),
    "unknown_plan": Wording(_("Plan does not exist"), _("Create the plan in the administration, or write a name that exists.")),
    "tier_missing": Wording(_("Dates without a tier"), _("Fill the tier, or choose one for rows without it.")),
    "no_identity": Wording(_("Nobody named"), _("Fill the external id, the phone or the email.")),
    "start_missing": Wording(_("Start missing"), _("Fill the start.")),
    "end_missing": Wording(_("End missing"), _("Fill the end, or a plan that gives it.")),
    "cell_missing": Wording(_("Empty cell"), _("Fill the cell.")),
    "event_missing": Wording(_("Event without a name"), _("Fill the event name.")),
    "ends_before_start": Wording(_("Ends before it starts"), _("Correct the start or the end.")),
    "duplicate": Wording(_("Twice in this file"), _("Keep one of the rows.")),
    "same_member": Wording(_("Two rows for one member"), _("Both rows name the same known member; keep one.")),
    "identity_taken": Wording(_("Belongs to another member"), _("The phone, email or number is another member's; correct it or leave it empty.")),
    "contact_of_another": Wording(_("Contact of a member with another id"), _("The phone or email belongs to a member known by another external id.")),
    "member_unknown": Wording(_("Member not known"), _("Import the member first.")),
    "order_reserved": Wording(_("Order number of the system"), TERM_REFUSALS["order_reserved"]),
    "order_taken": Wording(_("Order number already used"), _("The order is recorded with another member or other dates.")),
    "overlap": Wording(_("Overlaps known cover"), _("Correct the dates, or void the recorded term first.")),
    "overlap_within": Wording(_("Overlaps another row"), _("Correct the dates of one of the rows.")),
    "differs": Wording(_("Differs from the engine"), _("The file's value is not written; the state page of the member says why.")),
}  # fmt: skip

# Why a file is not read or written.
REFUSALS: Mapping[str, Wording] = {
    **files.REFUSALS,
    "duplicate_headers": Wording(_("Several columns are called “%(name)s”."), _("Give every column a name of its own.")),
    "blank_header": Wording(_("Column %(number)s has no name."), _("Name it in the first row, or say that the first row is no header.")),
    "too_many_bad_rows": Wording(_("More than %(limit)s rows cannot be taken apart."), _("Check the separator and the header.")),
    "columns_missing": Wording(_("A column that is needed has no field."), _("Choose which column holds it.")),
    "rows_rejected": Wording(_("%(count)s rows must change before all can be written."), _("Correct the file, or choose to write the good rows only.")),
    "nothing_to_write": Wording(_("No row can be written."), _("Correct the file and upload it again.")),
    "changed_meanwhile": Wording(_("Other work kept changing the same members."), _("Check again in a quieter moment. Nothing was written.")),
    "gave_up": Wording(_("The work broke off %(attempts)s times and was given up. Nothing was written."), _("Check again; if it happens once more, tell your administrator.")),
    "touched_since": Wording(_("Later work stands on what this import wrote, so it was not undone."), _("Undo that work first, or correct the members by hand.")),
}  # fmt: skip


# What the progress calls the steps of a check, a write and the rest.
STEPS: Mapping[str, Text] = {
    "": _("Waiting for a worker"),
    "reading": _("Reading the file"),
    "judging": _("Checking every cell, looking for duplicates and known members"),
    "members": _("Writing members"),
    "identities": _("Writing ids, phones and addresses"),
    "lifecycle": _("Preparing the lifecycle"),
    "updates": _("Updating known members"),
    "terms": _("Writing terms"),
    "signals": _("Writing auto-renewal"),
    "events": _("Writing events"),
    "statistics": _("Tidying up"),
    "settling": _("Computing lifecycle states"),
}

OBSTACLES: Mapping[str, Text] = {
    "merge": _("Merged into another member"),
    "profile": _("Profile edited"),
    "term": _("Term booked or closed"),
    "signal": _("Auto-renewal changed"),
    "event": _("Event received"),
    "consent": _("Consent changed"),
    "tag": _("Tag given or taken by hand"),
    "segment": _("Put on a fixed list"),
    "import": _("Changed by a later import"),
}
