#!/bin/sh
# 自己的证书：sh certificates.sh 主机名 [别的主机名或 IP…]，写在旁边的 certificates/。
# ca.crt 抄到每一台机器上（sslrootcert=…）；ca.key 锁起来，换证书才用。
set -eu
[ $# -ge 1 ] || { echo "用法：sh certificates.sh 主机名 [别的主机名或 IP…]" >&2; exit 2; }
cd "$(dirname "$0")"
mkdir -p certificates
chmod 700 certificates
cd certificates
umask 077
names=""
for each in "$@"; do
    case "$each" in
        *:* | [0-9]*.[0-9]*.[0-9]*.[0-9]*) kind=IP ;;
        *) kind=DNS ;;
    esac
    names="$names${names:+,}$kind:$each"
done
if [ ! -f ca.key ]; then
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 3650 \
        -keyout ca.key -out ca.crt -subj "/CN=easytrader fleet CA" \
        -addext "basicConstraints=critical,CA:TRUE" \
        -addext "keyUsage=critical,keyCertSign,cRLSign" 2>/dev/null
fi
openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
    -keyout server.key -out server.csr -subj "/CN=$1" 2>/dev/null
printf 'subjectAltName=%s\nextendedKeyUsage=serverAuth\n' "$names" > server.ext
openssl x509 -req -in server.csr -CA ca.crt -CAkey ca.key -CAcreateserial -days 825 \
    -extfile server.ext -out server.crt 2>/dev/null
rm -f server.csr server.ext
chmod 644 ca.crt server.crt
# 容器里的 postgres 是 999；不是 root 的改不了主人，那时自己 sudo chown 999 server.key
if [ "$(id -u)" = 0 ]; then chown 999:999 server.key; fi
echo "证书写好了：$(pwd)；名字：$names。把 ca.crt 抄到各台机器上"
