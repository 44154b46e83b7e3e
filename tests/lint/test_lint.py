# SPDX-License-Identifier: Apache-2.0
"""What a machine can check of the tree itself: layering, sizes, banned calls, headers, formatting, analyzers.

Each check is one test and reports every breach it finds, as file:line: what. REEVED names the program for the checks
of the example configuration; ANALYZER_STATES is how far clang's analyzer goes (225000 is its own default).
"""
import concurrent.futures
import functools
import os
import pathlib
import re
import subprocess

import pytest

TOP = pathlib.Path(__file__).resolve().parents[2]
FUNCTION_LINES_MAX = 60
FILE_LINES_MAX = 600
TIDY_SHARES = 8 * os.cpu_count()
ANALYZER_STATES = int(os.environ.get('ANALYZER_STATES', '4000'))
C_FLAGS = ('-std=c17', '-D_GNU_SOURCE', '-DREEVE_VERSION="0"', '-DREEVE_LIBRARIES=""', '-Isrc', '-Wall', '-Wextra', '-Wconversion', '-Wshadow',
           '-Wstrict-prototypes', '-Wmissing-prototypes', '-Wvla', '-Wpointer-arith', '-Wwrite-strings',
           '-Wno-missing-field-initializers', '-Werror')
NOT_OURS = {'.git', '__pycache__', '.pytest_cache'}
TOP_ENTRIES = {'meson.build', 'meson_options.txt', 'src', 'conf', 'zones', 'tests', 'contrib', 'packaging',
               'README.md', 'LICENSE', '.ci', '.clang-format', '.clang-tidy', '.gitignore'}
# Data, prose and generated files have no place for a licence line.
NO_HEADER = re.compile(r'^(LICENSE|.*\.md|\.clang-format|\.gitignore|src/floors\.txt|zones/.*|tests/data/.*|'
                       r'tests/fuzz/corpus/.*)$')


def walk():
    for folder, folders, names in os.walk(TOP):
        at_top = pathlib.Path(folder) == TOP
        folders[:] = [f for f in folders if f not in NOT_OURS and not (at_top and f.startswith('build'))]
        for name in names:
            yield (pathlib.Path(folder) / name).relative_to(TOP)


FILES = sorted(walk())
C_FILES = [f for f in FILES if f.suffix in ('.c', '.h')]
SOURCES = [f for f in C_FILES if f.parts[0] == 'src']


@functools.cache
def read(path):
    return (TOP / path).read_text(encoding='utf-8', errors='replace')


def is_table(path):
    return path.name.endswith('.tbl.h')


def blank(match):
    """Comments and literals become spaces, so that lines and columns stay."""
    return re.sub(r'[^\n]', ' ', match.group())


@functools.cache
def code_of(path):
    """A C file without comments, strings and character constants."""
    return re.sub(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])+\'', blank, read(path), flags=re.S)


def functions(path):
    """(name, first line, lines) of each function; its braces stand in column 0."""
    name, start = '', 0
    for number, line in enumerate(code_of(path).split('\n'), 1):
        if re.match(r'[A-Za-z_].*\(', line):
            name = line.split('(')[0].split()[-1].lstrip('*')
        if line.startswith('{'):
            start = number
        elif line.startswith('}') and start:
            yield name, start, number - start + 1
            start = 0


def run(*command, **how):
    return subprocess.run(command, cwd=TOP, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          errors='replace', stdin=subprocess.DEVNULL, timeout=300, check=False, **how)


def at_once(function, items):
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        return list(pool.map(function, items))


def none(breaches):
    breaches = list(breaches)
    assert not breaches, '\n' + '\n'.join(str(b) for b in breaches)


def succeeds(*command, **how):
    result = run(*command, **how)
    assert result.returncode == 0, f"{' '.join(map(str, command))[:200]}\n{result.stdout[-20000:]}"
    return result.stdout


def grep(pattern, files, text=read):
    for path in files:
        for number, line in enumerate(text(path).split('\n'), 1):
            if re.search(pattern, line):
                yield f'{path}:{number}: {line.strip()}'


def test_there_are_sources_to_check():
    assert len(SOURCES) > 10


def test_folders_include_only_lower_floors():
    succeeds('awk', '-f', 'tests/lint/floors.awk', 'src/floors.txt', *SOURCES)


def test_every_folder_has_a_floor():
    floors = {line.split(':')[0] for line in read('src/floors.txt').splitlines() if ':' in line}
    folders = {f.parts[1] for f in SOURCES if len(f.parts) > 2}
    assert folders == floors


def test_functions_are_short():
    none(f'{path}:{line}: {name} has {length} lines' for path in C_FILES if path.suffix == '.c'
         for name, line, length in functions(path) if length > FUNCTION_LINES_MAX)


def test_files_are_short():
    lengths = ((f, read(f).count('\n')) for f in FILES
               if f.suffix in ('.c', '.h', '.py', '') and f.name != 'LICENSE' and not is_table(f)
               and not f.is_relative_to('tests/data') and not f.is_relative_to('tests/fuzz/corpus'))
    none(f'{path}: {lines} lines' for path, lines in lengths if lines > FILE_LINES_MAX)


def test_no_banned_calls():
    """No copy without a bound, no number without an error, no shell, no signal-unsafe or process-global helpers."""
    banned = (r'strcpy|strcat|strncpy|strncat|stpcpy|sprintf|vsprintf|gets|strtok|atoi|atol|atoll|atof|alloca|system|'
              r'popen|tmpnam|mktemp|rand|srand|random|setjmp|longjmp|gethostbyname|getaddrinfo|inet_ntoa|inet_addr|'
              r'ctime|asctime|localtime|gmtime|signal|usleep|sleep|scanf|sscanf|fscanf|bcopy|bzero')
    none(grep(rf'(?<![\w.>])(?:{banned})\s*\(', SOURCES, code_of))


def test_memory_is_taken_only_in_arenas_pools_and_new_functions():
    """Every other allocation would be a lifetime of its own."""
    breaches = []
    for path in SOURCES:
        if path in (pathlib.Path('src/base/arena.c'),) or 'pool' in path.stem:
            continue
        owner = {}
        for name, start, length in functions(path):
            owner.update(dict.fromkeys(range(start, start + length), name))
        for number, line in enumerate(code_of(path).split('\n'), 1):
            if re.search(r'(?<!\w)(malloc|calloc|realloc|reallocarray|aligned_alloc|posix_memalign|strdup|strndup|'
                         r'asprintf|vasprintf)\s*\(', line):
                name = owner.get(number, '')
                if not re.search(r'(^|_)(new|grow|open)(_|$)', name):
                    breaches.append(f'{path}:{number}: in {name}(): {line.strip()}')
    none(breaches)


def test_no_variable_is_global_and_mutable():
    """The log sink is the one exception (STYLE: targets)."""
    none(line for line in grep(r'^(static\s+)?(?!.*\b(const|typedef|extern|_Static_assert|_Thread_local)\b)'
                               r'[A-Za-z_][\w\s\*]*\b\w+(\[[^\]]*\])*\s*(=[^=].*|;)$',
                               [f for f in SOURCES if f.suffix == '.c'], code_of)
         if not line.startswith(('src/base/log.c:',)))


def test_every_header_compiles_alone():
    """By clang-tidy, which compiles all of them in one process; it wants a check, and this one has nothing to say of C."""
    headers = [f for f in SOURCES if f.suffix == '.h' and not is_table(f)]
    succeeds('clang-tidy', '--quiet', '--checks=-*,misc-definitions-in-headers', *headers, '--', *C_FLAGS, '-Wno-unused-function',
             '-x', 'c')


def test_headers_are_guarded_by_their_path():
    for path in SOURCES:
        if path.suffix == '.h' and not is_table(path):
            guard = 'REEVE_' + re.sub(r'[^A-Z0-9]', '_', '_'.join(path.parts[1:]).upper())
            assert re.search(rf'^#ifndef {guard}\n#define {guard}$', read(path), re.M), f'{path}: wants {guard}'


def test_every_file_says_its_licence_and_its_purpose():
    """The SPDX line among the first three, and in a C, Python or shell file a sentence about the file after it."""
    breaches = []
    for path in FILES:
        if NO_HEADER.match(str(path)):
            continue
        head = read(path).split('\n')[:6]
        at = [i for i, line in enumerate(head[:3]) if 'SPDX-License-Identifier: Apache-2.0' in line]
        if not at:
            breaches.append(f'{path}: no SPDX line')
        elif path.name != 'meson.build' and not re.match(r'\W*\w+(\W+\w+){2}', ' '.join(head[at[0] + 1:])):
            breaches.append(f'{path}: no sentence about the file after the SPDX line')
    none(breaches)


def test_structs_are_not_typedefs():
    none(grep(r'^\s*typedef\s+(struct|union|enum)\b(?!.*_fn\b)', SOURCES, code_of))


def test_nothing_is_left_to_do():
    none(grep('|'.join(('TO' 'DO', 'FIX' 'ME', r'\bXX' r'X\b', r'\bHA' r'CK\b'))
              + r'|not\s+impl' r'emented', [f for f in FILES if f.parts[0] in ('src', 'contrib', 'packaging', 'tests',
                                                                              'conf', '.ci') or len(f.parts) == 1
                                            and f.name != 'LICENSE'], words_of))


def words_of(path):
    """The file, but data may hold any text."""
    if path.is_relative_to('tests/data') or path.is_relative_to('tests/fuzz/corpus'):
        return ''
    return read(path)


def test_only_known_entries_at_the_top():
    extra = {entry.name for entry in TOP.iterdir()
             if not entry.name.startswith('build') and entry.name not in NOT_OURS} - TOP_ENTRIES
    assert not extra


def test_no_place_of_one_machine_in_any_file():
    """Neither a path that only one machine has nor the name of a host that serves packages."""
    pattern = '|'.join((r'/wo' r'rk\b', r'/ho' r'me/\w', r'/ro' r'ot/\w', r'\bdeb\.' r'debian\.org', r'pypi\.' r'org',
                        r'registry\.' r'npm', r'snapshot\.' r'debian'))
    none(grep(pattern, [f for f in FILES if f.suffix not in ('.bin',)], words_of))


def test_no_test_sleeps_for_luck():
    none(grep(r'\b(time\.)?(u?sle' r'ep|nanosle' r'ep)\(', [f for f in FILES if f.parts[0] == 'tests' and f.parts[1] != 'bench'],
              words_of))


def test_scripts_are_sound():
    scripts = [f for f in FILES if read(f).startswith('#!') and 'sh' in read(f).split('\n')[0]]
    assert scripts
    for script in scripts:
        succeeds('bash', '-n', script)
        assert os.access(TOP / script, os.X_OK), f'{script} is not executable'


def test_service_is_sandboxed_tighter_than_any_other_name_server():
    """The best unit that Debian 12 ships for one is rated 2.3, lower is better."""
    rating = succeeds('systemd-analyze', 'security', '--offline=yes', '--no-pager', 'packaging/reeved.service')
    exposure = float(re.search(r'Overall exposure level for reeved.service: ([\d.]+)', rating)[1])
    assert exposure < 1.6


@functools.cache
def groups():
    """{@group: the system calls and groups in it}"""
    result, name = {}, None
    for line in succeeds('systemd-analyze', '--no-pager', 'syscall-filter').split('\n'):
        if line.startswith('@'):
            result[name := line.strip()] = []
        elif name and not line.startswith(' '):
            name = None         # what no group has follows
        elif name and (call := line.split('#')[0].strip()):
            result[name].append(call)
    return result


def members_of(group):
    """The system calls of an @group, or of one that is alone."""
    return set().union(*map(members_of, groups()[group])) if group.startswith('@') else {group}


def test_service_may_call_what_its_threads_call():
    """What the filter refuses is not always told: loading would go on, at the expense of queries."""
    allowed = set()
    for line in read(pathlib.Path('packaging/reeved.service')).split('\n'):
        key, _, value = line.partition('=')
        if key == 'SystemCallFilter':
            calls = set().union(*(members_of(group) for group in value.lstrip('~').split()))
            allowed = allowed - calls if value.startswith('~') else allowed | calls
    assert {'sched_setscheduler', 'prlimit64', 'prctl', 'umask', 'recvmmsg', 'sendmmsg', 'accept4', 'epoll_wait', 'flock'} <= allowed


def test_clang_format():
    succeeds('clang-format', '--dry-run', '-Werror', *[f for f in C_FILES if not is_table(f)])


def test_cppcheck():
    """In one process: with more of them, each file is a process of its own, and what spans files is not looked for."""
    succeeds('cppcheck', '--std=c11', '--quiet', '--inline-suppr', '--error-exitcode=1', '-j1',
             '--enable=warning,performance,portability', '--suppress=missingIncludeSystem',
             '--suppress=unknownMacro', '--suppress=uninitvar', '--suppress=ctuuninitvar', '--suppress=preprocessorErrorDirective', '--suppress=normalCheckLevelMaxBranches',
             '-D_GNU_SOURCE', '-DREEVE_VERSION="0"', '-DREEVE_LIBRARIES=""', '-Isrc', 'src')


def test_clang_tidy():
    """The analyzer, which is nearly all of it, follows a function's paths until it has seen so many states. Each process takes
    many files, for it spends as long on its own start as on one of them."""
    sources = sorted((f for f in SOURCES if f.suffix == '.c'), key=lambda f: (TOP / f).stat().st_size)
    depth = ('-Xclang', '-analyzer-config', '-Xclang', f'max-nodes={ANALYZER_STATES}')
    shares = [sources[i::TIDY_SHARES] for i in range(TIDY_SHARES)]
    results = at_once(lambda share: run('clang-tidy', '--quiet', *share, '--', *C_FLAGS, *depth), shares)
    none(r.stdout for r in results if r.returncode)


@pytest.fixture(name='reeved')
def fixture_reeved():
    program = pathlib.Path(os.environ.get('REEVED', TOP / 'build/gcc/src/reeved')).resolve()
    assert program.exists(), program
    return program


def test_example_configuration_and_zones_are_faultless(reeved):
    succeeds(reeved, '--check', '-c', 'conf/reeved.yaml')


def test_every_sample_zone_is_configured():
    conf = read('conf/reeved.yaml')
    none(f'{path} is not in conf/reeved.yaml' for path in FILES
         if path.match('zones/*.zone') and path.name not in conf)


def test_every_type_that_may_stand_in_a_zone_stands_in_the_sample():
    rows = re.findall(r'^RR\(\w+, +"([\w-]+)", +\d+, ([^,]*),', read('src/dns/rrtype.tbl.h'), re.M)
    zone = re.sub(r';.*', '', read('zones/types.example.zone'))
    missing = [mnemonic for mnemonic, flags in rows if not re.search(r'META|NOZONE', flags)
               and not re.search(rf'^(\S+)?\s+{mnemonic}\s', zone, re.M)]
    assert len(rows) > 80 and not missing


def test_printed_configuration_reads_back_as_itself(reeved, tmp_path):
    """--effective prints every setting; read again and printed again, nothing changes but where a value came from."""
    first = succeeds(reeved, '--effective', '-c', 'conf/reeved.yaml')
    copy = tmp_path / 'reeved.yaml'
    copy.write_text(first, encoding='utf-8')
    second = succeeds(reeved, '--effective', '-c', copy)

    def values(text):
        return [re.sub(r'\s+#.*', '', line) for line in text.split('\n') if not line.lstrip().startswith('#')]
    assert values(first) == values(second)
    assert len(values(first)) > 10
