#!/usr/bin/env bash
# One Apache Kafka node (KRaft, broker and controller in one process) out of Maven's jars.
#
#   deploy/kafka/kafka.sh start [DIR]   format the storage when it is new, start, print the address
#   deploy/kafka/kafka.sh wait  [DIR]   return once the node answers; 1 after KAFKA_WAIT_SECONDS (60)
#   deploy/kafka/kafka.sh stop  [DIR]   ask the node to end (TERM), then insist (KILL) after 20 s
#   deploy/kafka/kafka.sh fetch         only resolve the jars
#
# DIR holds everything of one node: configuration, log, data, process id (default deploy/kafka/.node).
# `start` reads: KAFKA_PORT, the listener (9092); KAFKA_CONTROLLER_PORT (KAFKA_PORT + 1); KAFKA_HEAP (512m);
# KAFKA_PROPERTIES, a file with further broker properties, which win over the ones written here;
# KAFKA_FORMAT_ARGUMENTS, further words for the storage tool; KAFKA_LIB, where the jars are (.lib beside this file).
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
lib=${KAFKA_LIB:-$here/.lib}
action=${1:-}
dir=${2:-$here/.node}

say() { echo "kafka.sh: $*" >&2; }
die() { say "$*"; exit 1; }

fetch() {
    # The stamp ties the jars to this pom: a changed version is fetched anew.
    local stamp="$lib/.complete" sum new="$lib.$$"
    sum=$(sha256sum <"$here/pom.xml")
    [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$sum" ] && return
    command -v mvn >/dev/null || die "expected Maven on the PATH, found none: install it (Debian: maven)"
    say "resolving the jars with Maven (about 45 MB, once)"
    # Into a directory of its own, then moved: an interrupted fetch leaves nothing that looks complete,
    # and two at the same time do not mix their jars.
    rm -rf "$new"
    mvn -q -B -f "$here/pom.xml" dependency:copy-dependencies \
        -DincludeScope=runtime "-DoutputDirectory=$new" >&2 || { rm -rf "$new"; die "Maven could not resolve the jars of $here/pom.xml"; }
    echo "$sum" >"$new/.complete"
    # Another one was faster: a node may be running from its jars.
    [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$sum" ] && { rm -rf "$new"; return; }
    rm -rf "$lib"
    mv -T "$new" "$lib" 2>/dev/null || rm -rf "$new"
}

java_version() { java -version 2>&1 | sed -n '1s/.*version "\([0-9]*\).*/\1/p'; }

check_java() {
    command -v java >/dev/null || die "expected Java 17 or later on the PATH, found none: install a JRE (Debian: openjdk-17-jre-headless)"
    local found
    found=$(java_version)
    [ "${found:-0}" -ge 17 ] || die "expected Java 17 or later, found ${found:-an unknown version}: install a JRE (Debian: openjdk-17-jre-headless)"
}

# A process id survives its process in the file: only a process that runs *this* node's configuration counts,
# so that `stop` after a reboot never ends a stranger.
alive() { [ -f "$dir/pid" ] && words_of "$(cat "$dir/pid")" | grep -qF "kafka.Kafka $dir/server.properties"; }

# The command line of a process: /proc where there is one (slim images have no ps), ps elsewhere.
words_of() {
    if [ -d /proc/self ]; then { tr '\0' ' ' <"/proc/$1/cmdline"; } 2>/dev/null; else ps -ww -o args= -p "$1"; fi
}

listening() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

properties() {
    cat <<PROPERTIES
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:$controller_port
listeners=PLAINTEXT://127.0.0.1:$port,CONTROLLER://127.0.0.1:$controller_port
advertised.listeners=PLAINTEXT://127.0.0.1:$port
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
controller.listener.names=CONTROLLER
log.dirs=$dir/data
# Topics are made by \`fraudwatch topics --apply\`: a mistyped name is an error, not a new topic.
auto.create.topics.enable=false
num.partitions=4
offsets.topic.num.partitions=4
offsets.topic.replication.factor=1
transaction.state.log.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
# Tests start many short-lived groups: no wait for further members, short sessions allowed.
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=1000
PROPERTIES
    if [ -n "${KAFKA_PROPERTIES:-}" ]; then cat "$KAFKA_PROPERTIES"; fi
}

start() {
    local port=${KAFKA_PORT:-9092} controller_port heap=${KAFKA_HEAP:-512m}
    controller_port=${KAFKA_CONTROLLER_PORT:-$((port + 1))}
    alive && die "a node of $dir is running already (process $(cat "$dir/pid")): stop it first"
    check_java
    fetch
    local taken
    for taken in "$port" "$controller_port"; do
        listening "$taken" && die "port $taken of 127.0.0.1 is in use: set KAFKA_PORT to a free one"
    done
    # An older log would say "started" of a node that is still starting.
    rm -f "$dir/server.log"
    properties >"$dir/server.properties"
    cp "$here/log4j2.yaml" "$dir/log4j2.yaml"
    local java=(java -Xms256m "-Xmx$heap" -XX:+UseG1GC -XX:MaxGCPauseMillis=20 -Djava.awt.headless=true
        "-Dlog4j2.configurationFile=$dir/log4j2.yaml" "-Dkafka.logs.dir=$dir" -cp "$lib/*")
    if [ ! -f "$dir/data/meta.properties" ]; then
        # The storage tool takes several words from one variable: no quotes around it.
        # shellcheck disable=SC2086
        "${java[@]}" kafka.tools.StorageTool format --ignore-formatted \
            --cluster-id "$(head -c 16 /dev/urandom | base64 | tr '+/' 'ab' | cut -c1-22)" \
            --config "$dir/server.properties" ${KAFKA_FORMAT_ARGUMENTS:-} >"$dir/format.log" 2>&1 ||
            die "the storage in $dir/data could not be formatted: $(grep -m 1 -E 'Exception|rror' "$dir/format.log") (see $dir/format.log)"
    fi
    nohup "${java[@]}" kafka.Kafka "$dir/server.properties" >"$dir/out.log" 2>&1 </dev/null &
    echo $! >"$dir/pid"
    echo "$port" >"$dir/port"
    # Until the new process has become Java, it looks like a stranger.
    until alive || ! kill -0 $! 2>/dev/null; do sleep 0.01; done
    echo "127.0.0.1:$port"
}

wait_ready() {
    [ -f "$dir/port" ] || die "expected a started node in $dir, found none: start it first"
    local port seconds=${KAFKA_WAIT_SECONDS:-60} deadline
    port=$(cat "$dir/port")
    deadline=$((SECONDS + seconds))
    until grep -q 'Kafka Server started' "$dir/server.log" 2>/dev/null && listening "$port"; do
        alive || die "the node ended while starting: $(grep -hE 'ERROR|FATAL|Exception' "$dir/server.log" "$dir/out.log" 2>/dev/null | head -n 1) (see $dir/server.log and $dir/out.log)"
        [ "$SECONDS" -lt "$deadline" ] || die "no answer on 127.0.0.1:$port within $seconds s; see $dir/server.log"
        sleep 0.1
    done
}

stop() {
    if alive; then
        local pid deadline=$((SECONDS + 20))
        pid=$(cat "$dir/pid")
        kill -TERM "$pid" 2>/dev/null || true
        while alive; do
            if [ "$SECONDS" -ge "$deadline" ]; then kill -KILL "$pid" 2>/dev/null || true; fi
            sleep 0.1
        done
    fi
    rm -f "$dir/pid" "$dir/port"
}

case "$action" in
    start | wait | stop)
        # Absolute, so that the process can be told by its configuration's path from anywhere.
        mkdir -p "$dir"
        dir=$(cd "$dir" && pwd)
        ;;
esac
case "$action" in
    start) start ;;
    wait) wait_ready ;;
    stop) stop ;;
    fetch) fetch ;;
    *) sed -n '2,/^set /{/^#/p}' "${BASH_SOURCE[0]}" >&2; exit 2 ;;
esac
