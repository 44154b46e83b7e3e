#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Counts single tests in the report of a test runner and prints "N passed, N failed".

count.py junit REPORT.xml     pytest's report; a skipped test counts as neither, and is named
count.py meson TESTLOG.json   meson's; a program that tells how many tests it ran (Criterion's, the scenarios') counts with
                              each of them, any other as one
"""
import json
import re
import sys
import xml.etree.ElementTree as tree


def junit(path):
    passed = failed = 0
    for case in tree.parse(path).iter('testcase'):
        outcome = {child.tag for child in case}
        if outcome & {'failure', 'error'}:
            failed += 1
        elif 'skipped' in outcome:
            print('skipped:', case.get('classname'), case.get('name'))
        else:
            passed += 1
    return passed, failed


def meson(path):
    passed = failed = 0
    with open(path, encoding='utf-8') as lines:
        for line in lines:
            program = json.loads(line)
            text = re.sub(r'\x1b\[[0-9;]*m', '', program.get('stdout', '') + program.get('stderr', ''))
            sums = re.findall(r'Synthesis: Tested: (\d+) \| Passing: (\d+) \| Failing: (\d+) \| Crashing: (\d+)',
                              text)
            sums += [(0, good, bad, 0) for good, bad in re.findall(r'^(\d+) passed, (\d+) failed$', text, re.M)]
            good = sum(int(row[1]) for row in sums)
            bad = sum(int(row[2]) + int(row[3]) for row in sums)
            if program['result'] != 'OK' and not bad:
                bad = 1
            elif program['result'] == 'OK' and not sums:
                good = 1
            passed += good
            failed += bad
    return passed, failed


if __name__ == '__main__':
    print('%d passed, %d failed' % {'junit': junit, 'meson': meson}[sys.argv[1]](sys.argv[2]))
