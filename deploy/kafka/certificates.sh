#!/usr/bin/env bash
# Certificates for development and tests, signed by an authority of their own. Not for production: use your own.
#
#   deploy/kafka/certificates.sh DIR NAME [SUBJECT_ALT_NAMES]
#
# makes, where they are missing, the authority DIR/ca.pem (key: DIR/ca.key), and DIR/NAME.pem with its key
# DIR/NAME.key, valid for ten years. SUBJECT_ALT_NAMES are what a broker is called (DNS:localhost,IP:127.0.0.1);
# a client needs none: Kafka knows it by its subject, CN=NAME. Needs openssl 3.
set -euo pipefail

[ $# -ge 2 ] || { sed -n '2,/^set /{/^#/p}' "${BASH_SOURCE[0]}" >&2; exit 2; }
dir=$1
name=$2
names=${3:-}
days=3650

# Keys are for their owner only.
umask 077
mkdir -p "$dir"

sign() { # OUT SUBJECT FURTHER-WORDS…
    local out=$1 subject=$2
    shift 2
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -noenc -sha256 -days "$days" -batch \
        -subj "$subject" -keyout "$dir/$out.key" -out "$dir/$out.new" "$@" 2>"$dir/openssl.log" ||
        { echo "certificates.sh: openssl could not make $dir/$out.pem: $(tail -n 1 "$dir/openssl.log")" >&2; exit 1; }
    # Last: a certificate that is there has its key.
    mv "$dir/$out.new" "$dir/$out.pem"
}

[ -f "$dir/ca.pem" ] || sign ca "/CN=fraudwatch development authority" \
    -addext "basicConstraints=critical,CA:TRUE" -addext "keyUsage=critical,keyCertSign,cRLSign"
[ -f "$dir/$name.pem" ] || sign "$name" "/CN=$name" -CA "$dir/ca.pem" -CAkey "$dir/ca.key" \
    -addext "basicConstraints=critical,CA:FALSE" ${names:+-addext "subjectAltName=$names"}
