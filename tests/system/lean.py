# SPDX-License-Identifier: Apache-2.0
"""Loads dnspython without the library that it would ask over HTTPS with, which takes longer to load than dnspython. To be
imported before it, by whatever a process begins with."""
import sys

sys.modules.setdefault('requests', None)        # looks as if it were not installed

import dns.query  # noqa: E402,F401 pylint: disable=wrong-import-position,unused-import

if sys.modules['requests'] is None:
    del sys.modules['requests']
