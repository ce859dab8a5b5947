#!/usr/bin/env bash
# Prometheus and promtool out of Debian's package, without installing it and without being root.
#
#   deploy/prometheus/debian.sh     print the directory that holds `prometheus` and `promtool`
#
# Those on the PATH are used where they are; otherwise the package is fetched once (20 MB) and unpacked into
# PROMETHEUS_LIB (default .debian beside this file).
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
lib=${PROMETHEUS_LIB:-$here/.debian}

die() { echo "debian.sh: $*" >&2; exit 1; }

if command -v prometheus >/dev/null && command -v promtool >/dev/null; then
    dirname "$(command -v prometheus)"
    exit
fi
if [ -x "$lib/usr/bin/promtool" ]; then
    echo "$lib/usr/bin"
    exit
fi
command -v apt-get >/dev/null && command -v dpkg >/dev/null ||
    die "expected prometheus and promtool on the PATH, or apt-get to fetch them, found neither: install Prometheus"

new="$lib.$$"
trap 'rm -rf "$new"' EXIT
mkdir -p "$new/apt/lists/partial" "$new/apt/cache/archives/partial" "$new/deb"
# Lists and cache of its own: the machine's may be missing, stale or not ours to write.
apt() {
    (cd "$new/deb" && apt-get -qq -o APT::Sandbox::User="$(id -un)" -o Dir::State::lists="$new/apt/lists" \
        -o Dir::Cache="$new/apt/cache" "$@" 2>&1)
}
# The machine's own lists, where they are there and fit the mirror, save fetching them.
(cd "$new/deb" && apt-get -qq -o APT::Sandbox::User="$(id -un)" download prometheus >/dev/null 2>&1) ||
    { said=$(apt update) && said=$(apt download prometheus); } ||
    die "the Debian package prometheus could not be fetched: $(tail -n 1 <<<"$said")"
dpkg -x "$new"/deb/prometheus_*.deb "$new/root" || die "the package could not be unpacked into $new/root"
rm -rf "$lib"
# Another run may have been faster: what it left is the same.
mv -T "$new/root" "$lib" 2>/dev/null || [ -x "$lib/usr/bin/promtool" ] || die "$lib could not be written"
echo "$lib/usr/bin"
