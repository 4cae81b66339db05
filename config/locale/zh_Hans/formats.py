"""Chinese days as the console writes them."""

# Django writes 09月30日 beside 10月7日.
MONTH_DAY_FORMAT = "n月j日"
