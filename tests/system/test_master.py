# SPDX-License-Identifier: Apache-2.0
"""Zone files as named-compilezone reads them: tests/data/master, and $GENERATE with every modifier.

Our records, printed by masterdump, go through named-compilezone as well, so that both texts are in BIND's own form.
"""
import os
import pathlib
import re
import subprocess

import pytest

pytestmark = pytest.mark.released

TOP = pathlib.Path(__file__).resolve().parents[2]
DATA = TOP / 'tests/data/master'
ORIGIN = 'example.'
REEVED = pathlib.Path(os.environ.get('REEVED', TOP / 'build/gcc/src/reeved')).resolve()
MASTERDUMP = REEVED.parents[1] / 'tests/tools/masterdump'
APEX = '$TTL 60\n@ SOA ns.other. host.other. 1 2 3 4 5\n@ NS ns.other.\n'
CHECKS_OFF = [word for option in 'knrmMS' for word in (f'-{option}', 'ignore')]
GOOD = sorted(p.name for p in DATA.glob('*.zone') if not p.name.startswith('bad-'))
BAD = sorted(p.name for p in DATA.glob('bad-*.zone'))


def run(*command, cwd):
    return subprocess.run([str(part) for part in command], cwd=cwd, capture_output=True, text=True, errors='replace',
                          timeout=120, check=False, stdin=subprocess.DEVNULL)


def compiled(path, out, cwd):
    """The zone as BIND prints it, or None if BIND refuses it; and what BIND says. It ends a loop of includes when it may open
    no more files."""
    result = run('prlimit', '--nofile=100', 'named-compilezone', '-i', 'none', *CHECKS_OFF, '-f', 'text', '-F', 'text', '-o', out,
                 ORIGIN, path, cwd=cwd)
    return (out.read_text() if result.returncode == 0 else None), result.stdout + result.stderr


def dumped(path, cwd):
    """The records as we print them, or None if we refuse the file; and what we say."""
    result = run(MASTERDUMP, ORIGIN, path, cwd=cwd)
    assert result.returncode in (0, 1), result.stderr
    return (result.stdout if result.returncode == 0 else None), result.stderr


def expect_as_bind(path, tmp_path):
    theirs, complaint = compiled(path, tmp_path / 'theirs', path.parent)
    assert theirs, complaint
    ours, faults = dumped(path, path.parent)
    assert ours is not None, faults
    lines = tmp_path / 'ours'
    lines.write_text(ours)
    again, complaint = compiled(lines, tmp_path / 'again', tmp_path)
    assert again == theirs, complaint


@pytest.mark.parametrize('name', GOOD)
def test_zone_is_read_as_bind_reads_it(name, tmp_path):
    expect_as_bind(DATA / name, tmp_path)


@pytest.mark.parametrize('name', BAD)
def test_fault_is_told_on_its_line_and_bind_refuses_it_too(name, tmp_path):
    """A line that is at fault has "; fault" on it; the other lines are read."""
    lines = (DATA / name).read_text().splitlines()
    marked = {number for number, line in enumerate(lines, 1) if '; fault' in line}
    ours, faults = dumped(DATA / name, DATA)
    theirs, _ = compiled(DATA / name, tmp_path / 'theirs', DATA)
    told = {int(line) for line in re.findall(rf'^{re.escape(str(DATA / name))}:(\d+):\d+: error: ', faults, re.M)}
    assert ours is None and theirs is None
    assert marked and told == marked, faults


def lines_of(path, told):
    """Those that errors are told of, by BIND or by us."""
    return {int(line) for line in re.findall(rf'\b{re.escape(path.name)}:(\d+): ', re.sub(r':\d+: error', ': error', told))}


def test_bind_refuses_each_of_the_faulty_lines(tmp_path):
    """Lines marked as faults are ones for BIND too: told of by it, or refused alone among the good ones."""
    lines = (DATA / 'bad-fields.zone').read_text().splitlines(keepends=True)
    good = [line for line in lines if '; fault' not in line]
    path = tmp_path / 'zone'
    path.write_text(''.join(good))
    assert compiled(path, tmp_path / 'theirs', tmp_path)[0]
    (tmp_path / 'inc').mkdir()
    (tmp_path / 'inc/plain').write_text((DATA / 'inc/plain').read_text())
    path.write_text(''.join(lines))
    told = lines_of(path, compiled(path, tmp_path / 'theirs', tmp_path)[1])
    for number, bad in enumerate(lines, 1):
        if '; fault' in bad and number not in told:
            path.write_text(''.join([*good, bad]))
            assert compiled(path, tmp_path / 'theirs', tmp_path)[0] is None, f'BIND takes: {bad}'


def expect_refusals_as_bind(lines, tmp_path):
    """The lines behind those of APEX, each its own name: BIND and we refuse the same ones, and read the others alike. Gives how
    many were refused."""
    path, head = tmp_path / 'zone', APEX.count('\n')
    path.write_text(APEX + ''.join(lines))
    theirs, ours = (lines_of(path, of(path)) for of in (lambda p: compiled(p, tmp_path / 'theirs', tmp_path)[1],
                                                        lambda p: dumped(p, tmp_path)[1]))
    assert ours == theirs, [lines[number - 1 - head] for number in ours ^ theirs]
    path.write_text(APEX + ''.join(line for number, line in enumerate(lines, 1 + head) if number not in theirs))
    expect_as_bind(path, tmp_path)
    return len(theirs)


# Owner and record data of a $GENERATE.
MODIFIERS = ['$', '${0}', '${1}', '${+2}', '${-1}', '${0,1}', '${0,4}', '${7,3,d}', '${0,3,o}', '${8,0,o}', '${0,2,x}',
             '${250,4,x}', '${250,4,X}', '${0,0,n}', '${0,1,n}', '${0,2,n}', '${0,5,n}', '${300,5,N}', '${65535,7,N}',
             '${9}-$', '${9}-${0}-$', '$$', '$$$', '\\$', '\\$$', '\\\\$', '$-$', 'x${0,10}', '{$}', '${1}}', '$x',
             '${', '${}', '${1', '${x}', '${,}', '${1,}', '${1,2,}', '${1,2,y}', '${1,2,dx}', '${1,2,d,}', '${--1}',
             '${1,128}', '${1,1000000}', '${1,-1}', '${0x1}']


def test_generate_modifiers_do_what_they_do_in_bind(tmp_path):
    lines = [f'$GENERATE 0-17/3 g{text}.o{i} TXT "x"\n' for i, text in enumerate(MODIFIERS)]
    lines += [f'$GENERATE 0-17/3 g$.d{i} TXT "x{text}"\n' for i, text in enumerate(MODIFIERS)]
    assert 20 < expect_refusals_as_bind(lines, tmp_path) < 40


GOOD_SPANS = ['0-3', '0-9/4', '5-5', '0-9/100', '00-03', '2147483640-2147483647/3']
BAD_SPANS = ['3-0', '1', '1-', '-1-2', '0-3/0', '0-2147483648/2147483647']


def test_generate_ranges_are_as_in_bind(tmp_path):
    lines = [f'$GENERATE {span} g$.s{i} A 192.0.2.1\n' for i, span in enumerate(GOOD_SPANS)]
    assert expect_refusals_as_bind(lines, tmp_path) == 0
    for span in BAD_SPANS:
        path = tmp_path / 'zone'
        path.write_text(f'{APEX}$GENERATE {span} g$ A 192.0.2.1\n')
        assert compiled(path, tmp_path / 'theirs', tmp_path)[0] is None
        assert dumped(path, tmp_path)[0] is None


def test_bomb_of_generates_is_stopped(tmp_path):
    path = tmp_path / 'zone'
    path.write_text(APEX + '$GENERATE 1-1000001 g$ A 192.0.2.1\n')
    ours, faults = dumped(path, tmp_path)
    assert ours is None and 'zone:4:11: error: ' in faults


def test_big_file_is_read_in_little_memory(tmp_path):
    """100 MB of text: the reader keeps a window of it."""
    path = tmp_path / 'zone'
    block = ''.join(f'host{i} TXT ( "{i:0230}" ; comment\n  x ) \n' for i in range(4000))
    with path.open('w') as f:
        f.write(APEX)
        for _ in range(100):
            f.write(block)
    said = run(MASTERDUMP, '-q', ORIGIN, path, cwd=tmp_path).stdout
    assert said.startswith('400002 records'), said
    taken_kib = int(re.search(r'(\d+) KiB', said)[1])
    assert path.stat().st_size > 100_000_000 and taken_kib < 8192
