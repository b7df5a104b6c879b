#!/bin/sh
# Holdfast: this script, and behind it the Deno runtime and the program as a compressed archive. The
# first start on a machine unpacks the archive into a cache directory; every later one goes straight
# on. The runtime takes the place of this script, so that signals and the process id stay right.
set -eu
hash=@HASH@
offset=@OFFSET@

fail() {
  echo "holdfast: $1" >&2
  exit 1
}

self=$0
case $self in
*/*) ;;
*) [ -f "./$self" ] && self=./$self || self=$(command -v -- "$self") || fail "can't find itself" ;;
esac

# An unpacked archive of this very build. On a file system without execution -x says no.
usable() { [ -x "$1/holdfast" ] && [ -f "$1/main.js" ]; }

# A directory of ours alone, made if need be.
private() { [ -d "$1" ] || (umask 077 && mkdir -p "$1") 2>/dev/null && [ -O "$1" ] && [ -w "$1" ]; }

unpack() { # DIRECTORY: unpacks beside it, checks, and renames; of two at once the first one stays.
  private "$1" || return 1
  for stale in "$1"/.new-*; do
    [ -d "$stale" ] && ! kill -0 "${stale##*-}" 2>/dev/null && rm -rf "$stale"
  done
  new=$1/.new-$hash-$$
  trap 'rm -rf "$new"' EXIT
  trap 'exit 1' HUP INT TERM
  (
    umask 077
    mkdir "$new" &&
      tail -c +"$offset" "$self" | gzip -dc | (cd "$new" && tar -xf -) &&
      cd "$new" && sha256sum -c SHA256SUMS >/dev/null
  ) || {
    rm -rf "$new"
    fail "$self can't be unpacked into $1: the file is damaged or the disk is full"
  }
  if [ ! -x "$new/holdfast" ]; then
    rm -rf "$new"
    trap - EXIT HUP INT TERM
    return 1
  fi
  sync "$new"/* 2>/dev/null || sync
  mv -T "$new" "$1/$hash" 2>/dev/null || rm -rf "$new"
  trap - EXIT HUP INT TERM
  usable "$1/$hash"
}

if [ -n "${HOLDFAST_UNPACK_TO:-}" ]; then # For scripts/install.
  unpack "$HOLDFAST_UNPACK_TO" || usable "$HOLDFAST_UNPACK_TO/$hash" ||
    fail "can't unpack into $HOLDFAST_UNPACK_TO"
  echo "$HOLDFAST_UNPACK_TO/$hash"
  exit 0
fi

cache=
if [ -n "${CACHE_DIRECTORY:-}" ]; then # What systemd gives a service.
  cache=${CACHE_DIRECTORY%%:*}
elif [ -n "${XDG_CACHE_HOME:-}" ]; then
  cache=$XDG_CACHE_HOME/holdfast
elif [ -n "${HOME:-}" ]; then
  cache=$HOME/.cache/holdfast
fi
# Set by whoever installed, then beside the installed program, then the user's own places.
home=
for dir in "${HOLDFAST_RUNTIME_DIR:-}" "${self%/*}/../lib/holdfast" "$cache"; do
  [ -n "$dir" ] && usable "$dir/$hash" && home=$dir/$hash && break
done
if [ -z "$home" ]; then
  for dir in "$cache" "${TMPDIR:-/tmp}/holdfast-$(id -u)" "/var/tmp/holdfast-$(id -u)"; do
    [ -n "$dir" ] || continue
    if { private "$dir" && usable "$dir/$hash"; } || unpack "$dir"; then
      home=$dir/$hash
      cache=$dir
      break
    fi
  done
  [ -n "$home" ] || fail "no directory to unpack into: set XDG_CACHE_HOME to one that is writable \
and allows execution"
fi

# Compiled code is kept between starts; without a place for it starting takes a little longer.
DENO_DIR=${cache:-/nonexistent}/code
DENO_NO_UPDATE_CHECK=1
DENO_NO_PACKAGE_JSON=1
DENO_TLS_CA_STORE=${DENO_TLS_CA_STORE:-system}
# The runtime looks at its sockets after so many turns of what is ready, or when nothing is. With its
# own 61 whoever asks a node that works through something long waits for all of them: 110 ms instead of
# 19 for the slowest hundredth while 20,000 leases end, and 110 instead of 45 for an unseal.
: "${DENO_TOKIO_EVENT_INTERVAL:=4}"
export DENO_TOKIO_EVENT_INTERVAL
export DENO_DIR DENO_NO_UPDATE_CHECK DENO_NO_PACKAGE_JSON DENO_TLS_CA_STORE

run() {
  exec "$home/holdfast" run @COMMON@ "$@"
}
case ${1:-} in
server)
  case " $* " in
  *" -dev"* | *" --dev"*) run @SERVER@ @DEV@ "$home/main.js" "$@" ;;
  *) run @SERVER@ "$home/main.js" "$@" ;;
  esac
  ;;
operator) run @OPERATOR@ "$home/main.js" "$@" ;;
*) run @CLIENT@ "$home/main.js" "$@" ;;
esac
exit 1
