"""First on PYTHONPATH in a run on another date (tests/dates.py): moves the system clock of every Python process."""

import os
import time

import time_machine

time_machine.travel(time.time() + float(os.environ["MOC_TEST_CLOCK_OFFSET_SECONDS"]), tick=True).start()
