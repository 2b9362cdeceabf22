# The cache of built things, outside the repository: sourced by the image scripts and the test cluster.
# shellcheck shell=bash
#
#   cached NAME KEY… -- COMMAND…   prints the path of NAME in the cache. If it is not there yet, COMMAND
#                                  makes it: it is called with one more argument, the path to write.
#                                  (A program, not a shell function: `set -e` would not hold in one.)
#
# The path contains a digest of the KEYs (versions, checksums of sources), so a change makes a new
# entry. COMMAND writes beside the final place and its work is renamed when whole: a crash half way
# leaves nothing that a later run would take for good. Entries that nobody asked for in 30 days go when
# a new one of their name comes.

CACHE=${XDG_CACHE_HOME:-$HOME/.cache}/daytwo

cached() {
  local name=$1 keys=() digest path unfinished
  shift
  while [ "$1" != -- ]; do keys+=("$1"); shift; done
  shift
  digest=$(printf '%s\0' "${keys[@]}" | sha256sum)
  path=$CACHE/${name%%.*}-${digest:0:16}${name#"${name%%.*}"}
  if [ ! -e "$path" ]; then
    mkdir -p "$(dirname "$path")"
    unfinished=$(mktemp -d "$CACHE/unfinished.XXXXXX")
    if ! "$@" "$unfinished/made" >&2; then
      rm -rf "$unfinished"
      echo "failed to make $name" >&2
      return 1
    fi
    # Somebody else may have been faster; what is there is as good as ours.
    mv -T "$unfinished/made" "$path" 2>/dev/null || [ -e "$path" ]
    rm -rf "$unfinished"
    find "$(dirname "$path")" -mindepth 1 -maxdepth 1 -name "$(basename "${name%%.*}")-*" -mtime +30 -exec rm -rf {} +
  fi
  touch -c "$path"
  echo "$path"
}

# one digest for the contents of files
digest_of() { cat "$@" | sha256sum | cut -c1-64; }

# installs the Debian packages among the arguments that are missing
debian_packages() {
  local package missing=()
  for package; do
    dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
  done
  [ ${#missing[@]} = 0 ] && return
  echo "installing Debian packages: ${missing[*]}" >&2
  local log
  log=$(mktemp)
  if ! { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}"; } >"$log" 2>&1; then
    cat "$log" >&2
    rm -f "$log"
    return 1
  fi
  rm -f "$log"
}

# prints the installed version of a Debian package
debian_version() { dpkg-query -W -f '${Version}' "$1"; }

# deliver ARCHIVE [OUT]: the last step of an image script, copies if asked to and prints the path
deliver() {
  [ $# -lt 2 ] || cp "$1" "$2"
  echo "${2:-$1}"
}
