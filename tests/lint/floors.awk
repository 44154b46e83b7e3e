# SPDX-License-Identifier: Apache-2.0
# Layering: awk -f floors.awk src/floors.txt FILES... A folder includes itself and what floors.txt allows it; each
# library belongs to its folder. Prints what breaks that, and then exits with 1.

function complain(what)
{
    print FILENAME ":" FNR ": " what
    bad = 1
}

BEGIN {
    home["ev.h"] = "/reactor/"
    home["yaml.h"] = "/conf/"
    home["sqlite3.h"] = "/log/"
    home["systemd/"] = "/reactor/systemd\\.[ch]$"
    home["openssl/"] = "/(tsig|sign)/|/reactor/tls[a-z_]*\\.[ch]$|/base/(secret|digest)\\.[ch]$"
    home["jansson.h"] = "/(ctl|server|reactor)/|/reevectl\\.c$"
}

# "folder: allowed allowed ..."
FNR == NR {
    if ($1 ~ /:$/) {
        folder = substr($1, 1, length($1) - 1)
        known[folder] = may[folder, folder] = 1
        for (i = 2; i <= NF; i++)
            may[folder, $i] = 1
    }
    next
}

/^[ \t]*#[ \t]*include[ \t]*"/ {
    parts = split(FILENAME, part, "/")
    from = part[parts - 1]
    split($0, quoted, "\"")
    to = quoted[2]
    if (to !~ /\//)
        complain("write the folder: \"" to "\"")
    sub(/\/.*/, "", to)
    # The programs above all folders (src/reeved.c) may include any of them.
    if ((from in known) && (to in known) && !((from, to) in may))
        complain(from "/ may not include " to "/")
    if ((from in known) && !(to in known))
        complain(to "/ is not in floors.txt")
}

/^[ \t]*#[ \t]*include[ \t]*</ {
    split($0, angled, /[<>]/)
    for (library in home)
        if (index(angled[2], library) == 1 && FILENAME !~ home[library])
            complain("<" angled[2] "> does not belong here")
}

END { exit bad }
