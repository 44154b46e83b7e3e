# SPDX-License-Identifier: Apache-2.0
"""The rdata samples of the unit tests, agreed with other software."""
import pathlib
import subprocess

import pytest

SCRIPT = pathlib.Path(__file__).parent.parent / "data" / "check_rdata.py"


@pytest.mark.long
@pytest.mark.released
def test_other_software_reads_and_shows_the_samples_as_we_do():
    run = subprocess.run(["/usr/bin/python3", SCRIPT], capture_output=True, text=True, timeout=300)
    if run.returncode == 77:
        pytest.skip(run.stdout)
    assert run.returncode == 0, "\n".join(l for l in run.stdout.splitlines() if l.startswith("FAIL")) + run.stderr
