#!/usr/bin/env bash
# The node of kafka.sh with protected listeners beside the plain one, for development and tests. Not for production.
#
#   deploy/kafka/secured.sh start [DIR]   make certificates and a password where missing, start, print the addresses
#   deploy/kafka/secured.sh wait|stop [DIR]   as kafka.sh
#
# Listeners, all on loopback under the name localhost:
#   PLAINTEXT  KAFKA_PORT (9092): whoever connects here may do everything; the node talks to itself over it
#   SASL_SSL   KAFKA_SASL_PORT (KAFKA_PORT + 2): TLS, user fraudwatch, password in DIR/secrets/password (SCRAM-SHA-512)
#   SSL        KAFKA_SSL_PORT (KAFKA_PORT + 3): mutual TLS; a client is the CN of its certificate
# DIR/secrets (default deploy/kafka/.node/secrets) holds ca.pem, fraudwatch.pem and fraudwatch.key for clients.
# Rights are checked (StandardAuthorizer), but what has no ACL yet is open to everyone; KAFKA_PROPERTIES can change
# that and anything else. `kafka.sh` lists the other variables.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
action=${1:-}
dir=${2:-$here/.node}

secrets() {
    "$here/certificates.sh" "$secrets" broker DNS:localhost
    "$here/certificates.sh" "$secrets" fraudwatch
    umask 077
    # Kafka wants key and certificate in one file.
    cat "$secrets/broker.key" "$secrets/broker.pem" >"$secrets/broker.keystore.pem"
    [ -f "$secrets/password" ] || openssl rand -hex 24 >"$secrets/password"
}

properties() {
    cat <<PROPERTIES
listeners=PLAINTEXT://127.0.0.1:$port,SASL_SSL://127.0.0.1:$sasl_port,SSL://127.0.0.1:$ssl_port,CONTROLLER://127.0.0.1:$controller_port
advertised.listeners=PLAINTEXT://127.0.0.1:$port,SASL_SSL://localhost:$sasl_port,SSL://localhost:$ssl_port
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,SASL_SSL:SASL_SSL,SSL:SSL,CONTROLLER:PLAINTEXT
inter.broker.listener.name=PLAINTEXT
ssl.keystore.type=PEM
ssl.keystore.location=$secrets/broker.keystore.pem
ssl.truststore.type=PEM
ssl.truststore.location=$secrets/ca.pem
listener.name.ssl.ssl.client.auth=required
ssl.principal.mapping.rules=RULE:^CN=([^,]+).*\$/\$1/,DEFAULT
sasl.enabled.mechanisms=SCRAM-SHA-512
listener.name.sasl_ssl.scram-sha-512.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required;
authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
super.users=User:ANONYMOUS
allow.everyone.if.no.acl.found=true
PROPERTIES
    if [ -n "${KAFKA_PROPERTIES:-}" ]; then cat "$KAFKA_PROPERTIES"; fi
}

start() {
    local port=${KAFKA_PORT:-9092}
    local controller_port=${KAFKA_CONTROLLER_PORT:-$((port + 1))}
    local sasl_port=${KAFKA_SASL_PORT:-$((port + 2))} ssl_port=${KAFKA_SSL_PORT:-$((port + 3))}
    mkdir -p "$dir"
    dir=$(cd "$dir" && pwd)
    local secrets=$dir/secrets
    secrets
    properties >"$dir/secured.properties"
    # The user is made when the storage is new; for that moment the password is among the words of a process.
    KAFKA_PROPERTIES="$dir/secured.properties" \
        KAFKA_FORMAT_ARGUMENTS="--add-scram SCRAM-SHA-512=[name=fraudwatch,password=$(cat "$secrets/password")] ${KAFKA_FORMAT_ARGUMENTS:-}" \
        "$here/kafka.sh" start "$dir" >/dev/null
    echo "PLAINTEXT 127.0.0.1:$port"
    echo "SASL_SSL localhost:$sasl_port"
    echo "SSL localhost:$ssl_port"
}

case "$action" in
    start) start ;;
    wait | stop) exec "$here/kafka.sh" "$action" "$dir" ;;
    *) sed -n '2,/^set /{/^#/p}' "${BASH_SOURCE[0]}" >&2; exit 2 ;;
esac
