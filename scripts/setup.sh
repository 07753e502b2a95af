#!/usr/bin/env bash
# Installs what this repository needs and the machine lacks.
#
#   scripts/setup.sh [--check] [demo|test|ci]
#
#   demo     what `make demo` needs: Go, Node, Redis, Postgres, a Chromium (the default)
#   test     that, pgbouncer, ffmpeg, and the npm packages that the tests talk to
#   ci       that, and the checkers that `make lint verify` calls
#   --check  lists what is missing, installs nothing, and exits 1 if something is
#
# Where apt-get exists, missing programs are installed with it (through sudo unless you are root). Elsewhere the script
# prints what to install. The Redis and Postgres installed here are only used as programs: `make demo` and the tests
# start their own, on free ports, in their own folders.
set -euo pipefail
cd "$(dirname "$0")/.."

usage() { sed -n '2,/^set /{/^set /d;s/^# \{0,1\}//;p;}' scripts/setup.sh; }
say() { printf '%s\n' "$*"; }
fail() { printf 'setup: %s\n' "$*" >&2; exit 1; }
have() { command -v "$1" >/dev/null 2>&1; }
at_least() { [ "$(printf '%s\n%s\n' "$2" "$1" | sort -V | head -n 1)" = "$2" ]; } # have, want

# ---------------------------------------------------------------- what there is

have_redis() { have redis-server; }
have_compose() { have docker-compose || docker compose version >/dev/null 2>&1; }

have_postgres() {
	have initdb && return 0
	local initdb
	for initdb in /usr/lib/postgresql/*/bin/initdb /usr/pgsql-*/bin/initdb /opt/homebrew/opt/postgresql*/bin/initdb \
		/usr/local/opt/postgresql*/bin/initdb; do
		[ -x "$initdb" ] && return 0
	done
	return 1
}

# Debian keeps it where a user's PATH does not look.
have_pgbouncer() { have pgbouncer || [ -x /usr/sbin/pgbouncer ]; }

have_chromium() {
	[ -n "${BROWSER_EXECUTABLE:-}" ] && return 0
	local name
	for name in chromium-headless-shell chromium chromium-browser google-chrome google-chrome-stable; do
		have "$name" && return 0
	done
	for name in "/Applications/Google Chrome.app" /Applications/Chromium.app \
		"${HOME:-/}"/.cache/ms-playwright/chromium* "${HOME:-/}"/Library/Caches/ms-playwright/chromium*; do
		[ -d "$name" ] && return 0
	done
	return 1
}

have_ffmpeg() { have ffmpeg; }
have_shellcheck() { have shellcheck; }

# need PROGRAM: adds it to `missing` unless it is there.
missing=()
need() { "have_$1" || missing+=("$1"); }

# check_go and check_node say in `wrong` what cannot be installed for the user, because it is theirs to choose.
wrong=()
check_go() {
	local want version
	want=$(awk '$1 == "go" { print $2 }' go.mod devstack/go.mod | sort -V | tail -n 1)
	if ! have go && [ -x /usr/local/go/bin/go ]; then
		PATH=$PATH:/usr/local/go/bin
	fi
	if ! have go; then
		wrong+=("Go $want or newer is not installed: see https://go.dev/doc/install")
		return
	fi
	# Asked inside the module first: a Go that may fetch the newer toolchain does so here.
	version=$(cd devstack && go env GOVERSION 2>/dev/null) || version=$(cd / && go env GOVERSION)
	at_least "${version#go}" "$want" ||
		wrong+=("Go $want or newer is needed, $(command -v go) is ${version#go}: see https://go.dev/doc/install")
}
check_node() {
	if ! have node; then
		wrong+=("Node 20 or newer is not installed (it drives the browser): see https://nodejs.org/en/download")
	elif ! at_least "$(node --version | tr -d v)" 20; then
		wrong+=("Node 20 or newer is needed, $(command -v node) is $(node --version): see https://nodejs.org/en/download")
	fi
	if [ "$scope" != demo ] && ! have npm; then
		wrong+=("npm is not installed: it comes with Node, see https://nodejs.org/en/download")
	fi
}

# ---------------------------------------------------------------- installing

# package PROGRAM MANAGER: what a package manager calls it.
package() {
	case "$2/$1" in
	apt-get/redis) say redis-server ;;
	*/redis) say redis ;;
	brew/postgres) say postgresql@15 ;;
	apt-get/postgres | pacman/postgres) say postgresql ;;
	*/postgres) say postgresql-server ;;
	apt-get/chromium) say chromium-headless-shell ;;
	*/chromium) say chromium ;;
	*/pgbouncer) say pgbouncer ;;
	*/ffmpeg) say ffmpeg ;;
	*/compose) say docker-compose ;;
	dnf/shellcheck) say ShellCheck ;;
	*/shellcheck) say shellcheck ;;
	esac
}

# packages MANAGER: the packages of everything that is missing.
packages() {
	local program
	for program in "${missing[@]}"; do package "$program" "$1"; done | tr '\n' ' '
}

# advise prints the command that a person would type on a system that this script does not install on.
advise() {
	local manager command
	for manager in brew dnf pacman zypper apk; do
		have "$manager" || continue
		case $manager in
		brew) command='brew install' ;;
		pacman) command='sudo pacman -S' ;;
		apk) command='sudo apk add' ;;
		*) command="sudo $manager install" ;;
		esac
		say "  Install them with:  $command $(packages "$manager")"
		return
	done
	say "  Install them with your system's package manager."
}

# install_as_root PACKAGE...: runs as root, from install.
install_as_root() {
	export DEBIAN_FRONTEND=noninteractive
	# Debian's server packages start a service on the well-known port as soon as they are unpacked. policy-rc.d is how
	# an installer tells them not to; a policy that the machine already has is left alone.
	local policy=/usr/sbin/policy-rc.d
	if [ ! -e "$policy" ]; then
		trap 'rm -f /usr/sbin/policy-rc.d' EXIT
		trap 'exit 1' HUP INT TERM
		printf '#!/bin/sh\nexit 101\n' >"$policy"
		chmod 755 "$policy"
	fi
	apt-get update -q
	# Without this setting Debian creates a database cluster that starts with the machine.
	local cluster=/etc/postgresql-common/createcluster.conf
	if [[ " $* " == *" postgresql "* && ! -e $cluster ]]; then
		apt-get install -y -q --no-install-recommends postgresql-common
		sed -i 's/^#\?create_main_cluster.*/create_main_cluster = false/' "$cluster"
	fi
	local package list=()
	for package in "$@"; do
		if [ "$package" = chromium-headless-shell ] && ! apt-cache show "$package" >/dev/null 2>&1; then
			say "setup: this system has no package $package: bin/cinnamon browser install fetches Playwright's own browser"
		else
			list+=("$package")
		fi
	done
	[ ${#list[@]} -eq 0 ] || apt-get install -y -q --no-install-recommends "${list[@]}"
	local service
	for service in redis-server pgbouncer; do
		if [[ " $* " == *" $service "* && -d /run/systemd/system ]]; then
			systemctl disable --quiet "$service"
		fi
	done
}

install() {
	local list
	read -ra list <<<"$(packages apt-get)"
	say "setup: installing with apt-get: ${list[*]}"
	case " ${list[*]} " in
	*' redis-server '* | *' postgresql '* | *' pgbouncer '*)
		say "  No service is started or enabled, and a Postgres that is new here gets no database cluster of the system's"
		say "  (create_main_cluster = false in /etc/postgresql-common/createcluster.conf)."
		;;
	esac
	if [ "$(id -u)" = 0 ]; then
		bash scripts/setup.sh --install-as-root "${list[@]}"
	elif have sudo; then
		say "  This needs root, so sudo may ask for your password."
		sudo bash scripts/setup.sh --install-as-root "${list[@]}"
	else
		fail "this needs root and there is no sudo: run as root  apt-get update && apt-get install ${list[*]}"
	fi
}

# npm_packages installs what tests talk to: the BullMQ libraries, an S3 server, and applications in two versions each.
npm_folders=(e2e/bullmq artifact/s3/testdata/s3rver activities/testdata/upgrades)
npm_current() { [ "$1/node_modules/.package-lock.json" -nt "$1/package-lock.json" ]; }
npm_packages() {
	local folder
	for folder in "${npm_folders[@]}"; do
		npm_current "$folder" && continue
		say "setup: npm packages for the tests ($folder)"
		(cd "$folder" && npm ci --no-progress)
		touch "$folder/node_modules/.package-lock.json"
	done
}

# ---------------------------------------------------------------- main

if [ "${1:-}" = --install-as-root ]; then
	shift
	install_as_root "$@"
	exit
fi

check=false
scope=demo
for argument in "$@"; do
	case $argument in
	--check) check=true ;;
	demo | test | ci) scope=$argument ;;
	-h | --help) usage && exit ;;
	*) usage >&2 && exit 2 ;;
	esac
done

check_go
check_node
need redis
need postgres
need chromium
if [ "$scope" != demo ]; then
	need pgbouncer
	need ffmpeg
fi
if [ "$scope" = ci ]; then
	need compose
	need shellcheck
fi

if [ ${#wrong[@]} -gt 0 ]; then
	printf 'setup: %s\n' "${wrong[@]}" >&2
	$check || exit 1
fi
if [ ${#missing[@]} -gt 0 ]; then
	if $check || ! have apt-get; then
		say "setup: missing: ${missing[*]}" >&2
		if have apt-get; then say "  scripts/setup.sh $scope  installs: $(packages apt-get)" >&2; else advise >&2; fi
		exit 1
	fi
	install
fi
if $check; then
	if [ "$scope" != demo ]; then
		for folder in "${npm_folders[@]}"; do
			npm_current "$folder" && continue
			say "setup: missing: npm packages in $folder" >&2
			exit 1
		done
	fi
	[ ${#wrong[@]} -eq 0 ] || exit 1
	say "setup: nothing is missing for $scope"
	exit
fi
[ "$scope" = demo ] || npm_packages
