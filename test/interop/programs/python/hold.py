"""Takes the lock of python-etcd3, says "held", and gives it back when its standard input ends. Words: host, port, name."""

import sys

import etcd3

host, port, name = sys.argv[1:]
with etcd3.client(host=host, port=int(port)).lock(name, ttl=60) as lock:
    print("held" if lock.is_acquired() else "not held", flush=True)
    sys.stdin.read()
print("left", flush=True)
