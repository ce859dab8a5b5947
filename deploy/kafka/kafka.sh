#!/usr/bin/env bash
# One Apache Kafka node (KRaft, broker and controller in one process) out of Maven's jars.
#
#   deploy/kafka/kafka.sh start [DIR]   format the storage when it is new, start, print the address
#   deploy/kafka/kafka.sh wait  [DIR]   return once the node answers; 1 after KAFKA_WAIT_SECONDS (60)
#   deploy/kafka/kafka.sh stop  [DIR]   ask the node to end (TERM), then insist (KILL) after 20 s
#   deploy/kafka/kafka.sh fetch         only resolve the jars
#
# DIR holds everything of one node: configuration, log, data, process id (default deploy/kafka/.node).
# KAFKA_PORT (9092) is the listener; the controller takes KAFKA_PORT + 1. KAFKA_HEAP (512m).
# KAFKA_PROPERTIES names a file with further broker properties; they win over the ones written here.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
lib=${KAFKA_LIB:-$here/.lib}
action=${1:-}
dir=${2:-$here/.node}
port=${KAFKA_PORT:-9092}
heap=${KAFKA_HEAP:-512m}

say() { echo "kafka.sh: $*" >&2; }
die() { say "$*"; exit 1; }

fetch() {
    # The stamp ties the jars to this pom: a changed version is fetched anew.
    local stamp="$lib/.complete" sum
    sum=$(sha256sum <"$here/pom.xml")
    [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$sum" ] && return
    command -v java >/dev/null || die "expected Java 17 or later on the PATH, found none: install a JRE (Debian: openjdk-17-jre-headless)"
    command -v mvn >/dev/null || die "expected Maven on the PATH, found none: install it (Debian: maven)"
    say "resolving the jars with Maven (about 45 MB, once)"
    rm -rf "$lib"
    mvn -q -B -f "$here/pom.xml" dependency:copy-dependencies \
        -DincludeScope=runtime "-DoutputDirectory=$lib" >&2 || die "Maven could not resolve the jars of $here/pom.xml"
    echo "$sum" >"$stamp"
}

alive() { [ -f "$dir/pid" ] && kill -0 "$(cat "$dir/pid")" 2>/dev/null; }

properties() {
    cat <<PROPERTIES
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:$((port + 1))
listeners=PLAINTEXT://127.0.0.1:$port,CONTROLLER://127.0.0.1:$((port + 1))
advertised.listeners=PLAINTEXT://127.0.0.1:$port
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
controller.listener.names=CONTROLLER
log.dirs=$dir/data
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
    alive && die "a node of $dir is running already (process $(cat "$dir/pid"))"
    fetch
    mkdir -p "$dir"
    # An older log would say "started" of a node that is still starting.
    rm -f "$dir/server.log"
    properties >"$dir/server.properties"
    cp "$here/log4j2.yaml" "$dir/log4j2.yaml"
    local java=(java "-Xms256m" "-Xmx$heap" -XX:+UseG1GC -XX:MaxGCPauseMillis=20 -Djava.awt.headless=true
        "-Dlog4j2.configurationFile=$dir/log4j2.yaml" "-Dkafka.logs.dir=$dir" -cp "$lib/*")
    if [ ! -f "$dir/data/meta.properties" ]; then
        "${java[@]}" kafka.tools.StorageTool format --ignore-formatted \
            --cluster-id "$(head -c 16 /dev/urandom | base64 | tr '+/' 'ab' | cut -c1-22)" \
            --config "$dir/server.properties" ${KAFKA_FORMAT_ARGUMENTS:-} >"$dir/format.log" 2>&1 ||
            die "the storage in $dir/data could not be formatted; see $dir/format.log"
    fi
    nohup "${java[@]}" kafka.Kafka "$dir/server.properties" >"$dir/out.log" 2>&1 </dev/null &
    echo $! >"$dir/pid"
    echo "127.0.0.1:$port"
}

wait_ready() {
    local deadline=$((SECONDS + ${KAFKA_WAIT_SECONDS:-60}))
    until grep -q 'Kafka Server started' "$dir/server.log" 2>/dev/null && (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; do
        alive || die "the node ended while starting; see $dir/server.log and $dir/out.log"
        [ "$SECONDS" -lt "$deadline" ] || die "no answer on 127.0.0.1:$port within ${KAFKA_WAIT_SECONDS:-60} s; see $dir/server.log"
        sleep 0.1
    done
}

stop() {
    alive || { rm -f "$dir/pid"; return; }
    local pid deadline=$((SECONDS + 20))
    pid=$(cat "$dir/pid")
    kill -TERM "$pid"
    while kill -0 "$pid" 2>/dev/null; do
        if [ "$SECONDS" -ge "$deadline" ]; then kill -KILL "$pid" 2>/dev/null || true; fi
        sleep 0.1
    done
    rm -f "$dir/pid"
}

case "$action" in
    start) start ;;
    wait) wait_ready ;;
    stop) stop ;;
    fetch) fetch ;;
    *) sed -n '2,11p' "${BASH_SOURCE[0]}" >&2; exit 2 ;;
esac
