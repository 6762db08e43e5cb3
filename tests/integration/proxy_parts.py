"""A small proxy that knows CONNECT and asks for a name and a password; and a relay between
addresses."""

import base64
import socket
import threading


def _copy(source, target):
    try:
        while True:
            data = source.recv(65536)
            if not data:
                break
            target.sendall(data)
    except OSError:
        pass
    for end in (source, target):
        try:
            end.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass


def _join(client, upstream):
    threading.Thread(target=_copy, args=(upstream, client), daemon=True).start()
    _copy(client, upstream)


class Listener:
    """Takes connections on a port of its own, each in a thread."""

    def __init__(self, address, family=socket.AF_INET):
        self.socket = socket.socket(family)
        self.socket.bind((address, 0))
        self.socket.listen(16)
        self.port = self.socket.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                client, peer = self.socket.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(client, peer), daemon=True).start()

    def serve(self, client, peer):
        raise NotImplementedError

    def close(self):
        self.socket.close()


class Relay(Listener):
    """Passes every connection on to a port of 127.0.0.1; notes where from they came."""

    def __init__(self, address, port, family=socket.AF_INET):
        self.target = port
        self.peers = []
        super().__init__(address, family)

    def serve(self, client, peer):
        self.peers.append(peer[0])
        with client, socket.create_connection(("127.0.0.1", self.target)) as upstream:
            _join(client, upstream)


class Tap(Listener):
    """Passes connections on to a TLS server, keeps what it says, and can cut them all."""

    def __init__(self, port):
        self.target = port
        self.heard = []  # What the server said, one a connection.
        self.ends = []
        super().__init__("127.0.0.1")

    def serve(self, client, peer):
        said = bytearray()
        try:
            with client, socket.create_connection(("127.0.0.1", self.target)) as upstream:
                self.heard.append(said)
                self.ends += [client, upstream]
                threading.Thread(target=_copy, args=(client, upstream), daemon=True).start()
                while data := upstream.recv(65536):
                    said += data
                    client.sendall(data)
        except OSError:
            pass

    def cut(self):
        for end in self.ends:
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
        self.ends = []


def handshake_messages(said):
    """The types of the handshake messages that a TLS 1.2 server said in the clear (RFC 5246,
    section 7.4): 2 ServerHello, 11 Certificate."""
    clear, at, types = b"", 0, []
    while at + 5 <= len(said) and said[at] == 22:  # The first other record changes the cipher.
        size = int.from_bytes(said[at + 3:at + 5], "big")
        clear += said[at + 5:at + 5 + size]
        at += 5 + size
    at = 0
    while at + 4 <= len(clear):
        types.append(clear[at])
        at += 4 + int.from_bytes(clear[at + 1:at + 4], "big")
    return types


class Proxy(Listener):
    """`names` maps host:port to where it really is."""

    def __init__(self, user, password, names):
        self.wanted = "Basic " + base64.b64encode(("%s:%s" % (user, password)).encode()).decode()
        self.names = names
        self.connected = []
        self.refused = 0
        super().__init__("127.0.0.1")

    def serve(self, client, peer):
        with client:
            head = b""
            while b"\r\n\r\n" not in head:
                data = client.recv(4096)
                if not data:
                    return
                head += data
            lines = head.decode("latin-1").split("\r\n")
            words = lines[0].split(" ")
            headers = dict(line.split(": ", 1) for line in lines[1:] if ": " in line)
            if headers.get("Proxy-Authorization") != self.wanted:
                self.refused += 1
                client.sendall(b"HTTP/1.1 407 Proxy Authentication Required\r\n"
                               b"Proxy-Authenticate: Basic realm=\"shop\"\r\n"
                               b"Content-Length: 0\r\nConnection: close\r\n\r\n")
                return
            if words[0] != "CONNECT" or words[1] not in self.names:
                client.sendall(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")
                return
            self.connected.append(words[1])
            with socket.create_connection(("127.0.0.1", self.names[words[1]])) as upstream:
                client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
                _join(client, upstream)
