"""Opens UDP sockets bound to interfaces and passes them on as systemd does.

bind-to-device.py NAME=INTERFACE:PORT … -- PROGRAM ARGUMENT… (without INTERFACE the socket is bound to none)
"""
import os
import socket
import sys

split = sys.argv.index("--")
names = []
for position, wanted in enumerate(sys.argv[1:split]):
    name, place = wanted.split("=")
    interface, port = place.split(":")
    opened = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    opened.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
    if interface:
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, interface.encode())
    opened.bind(("0.0.0.0", int(port)))
    moved = os.dup2(opened.fileno(), 100 + position)
    names.append((name, moved))
for position, (_, moved) in enumerate(names):
    os.dup2(moved, 3 + position)
    os.set_inheritable(3 + position, True)
    os.close(moved)
os.environ["LISTEN_PID"] = str(os.getpid())
os.environ["LISTEN_FDS"] = str(len(names))
os.environ["LISTEN_FDNAMES"] = ":".join(name for name, _ in names)
program = sys.argv[split + 1 :]
os.execvp(program[0], program)
