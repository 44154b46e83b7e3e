# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# What contrib/try and contrib/check share: finding and installing Debian packages, and building.

# The packages' own programs come first: a python3 or meson from elsewhere may lack the modules that the tests need.
PATH=/usr/sbin:/usr/bin:/sbin:/bin:$PATH
export PATH LC_ALL=C.UTF-8
top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
policy=/usr/sbin/policy-rc.d
policy_kept=$policy.before-reeve

build_packages=(meson ninja-build gcc libc6-dev pkg-config libev-dev libssl-dev libyaml-dev libsystemd-dev
    libsqlite3-dev libjansson-dev
    bind9-dnsutils)

say() {
    printf '%s\n' "$@"
}

fail() {
    printf '%s: %s\n' "${0##*/}" "$*" >&2
    exit 1
}

as_root() {
    if [ "$(id -u)" = 0 ]; then
        "$@"
    elif command -v sudo >/dev/null; then
        sudo "$@"
    else
        fail "needs root (or sudo) for: $*"
    fi
}

# Prints those of the given packages that are not installed.
packages_missing() {
    local package
    for package in "$@"; do
        dpkg-query -W -f '${db:Status-Status}\n' "$package" 2>/dev/null | grep -qx installed || echo "$package"
    done
}

# No daemon that comes with a package starts: policy-rc.d is the hook that Debian has for this. One that stands there
# already is kept aside and put back, also after a run that was killed.
policy_set() {
    if [ -e "$policy" ] && [ ! -e "$policy_kept" ]; then
        as_root mv "$policy" "$policy_kept"
    fi
    trap policy_restore EXIT
    trap 'exit 130' INT TERM HUP
    printf '#!/bin/sh\n# Placed by contrib/check of Reeve while it installs packages.\nexit 101\n' |
        as_root tee "$policy" >/dev/null
    as_root chmod 755 "$policy"
}

policy_restore() {
    as_root rm -f "$policy"
    if [ -e "$policy_kept" ]; then
        as_root mv "$policy_kept" "$policy"
    fi
    trap - EXIT INT TERM HUP
}

# Installs the given packages as far as they are missing; nothing is fetched when none is.
packages_install() {
    local missing
    mapfile -t missing < <(packages_missing "$@")
    if [ ${#missing[@]} = 0 ]; then
        return 0
    fi
    command -v apt-get >/dev/null || fail "not a Debian system; it needs: ${missing[*]}"
    say "installing: ${missing[*]}"
    policy_set
    if [ -z "${is_list_new:-}" ]; then
        as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -y -o DPkg::Lock::Timeout=300 update ||
            fail "apt-get update failed"
        is_list_new=yes
    fi
    as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -y -o DPkg::Lock::Timeout=300 \
        install --no-install-recommends "${missing[@]}" </dev/null || fail "apt-get install failed"
    policy_restore
    mapfile -t missing < <(packages_missing "$@")
    [ ${#missing[@]} = 0 ] || fail "still not installed: ${missing[*]}"
}

# Builds into directory $1 with the meson options that follow: all, or what BUILD_TARGETS names. The directory is set up
# anew when the options, the environment's compiler or the place of the tree are not those it was set up with.
build_in() {
    local dir=$1 want
    shift
    want="$top ${CC:-cc} $*"
    if [ ! -f "$dir/build.ninja" ] || [ "$(cat "$dir/.set-up-with" 2>/dev/null)" != "$want" ]; then
        rm -rf "$dir/meson-private" "$dir/meson-info" "$dir/meson-logs" "$dir/build.ninja"
        mkdir -p "$dir"
        meson setup "$dir" "$top" "$@" || return 1
        printf '%s\n' "$want" >"$dir/.set-up-with"
    fi
    # shellcheck disable=SC2086 # words on purpose
    ninja -C "$dir" ${BUILD_TARGETS:-}
}
