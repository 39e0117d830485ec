#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A client of `heaptape open`, good or bad: http_client.py URL fetch|refused|misbehave|...

`fetch` writes the file to standard output after it checked the headers that the viewer needs.
"""
import http.client
import socket
import sys
import urllib.parse

ORIGIN = "https://ui.perfetto.dev"


def check(is_true, what):
    if not is_true:
        sys.exit(f"FAIL: {what}")


class Client:
    def __init__(self, url):
        self.url = urllib.parse.urlsplit(url)
        self.address = (self.url.hostname, self.url.port)

    def ask(self, method, path, headers={}):
        connection = http.client.HTTPConnection(*self.address, timeout=60)
        connection.request(method, path, headers={"Origin": ORIGIN, **headers})
        response = connection.getresponse()
        body = response.read()
        connection.close()
        return response, body

    def say(self, data):
        """Sends bytes and gives what comes back until the other side ends."""
        answer = b""
        with socket.create_connection(self.address, timeout=60) as connection:
            try:
                connection.sendall(data)
                connection.shutdown(socket.SHUT_WR)
                while piece := connection.recv(65536):
                    answer += piece
            except OSError:
                pass  # it need not listen to the end
        return answer

    def fetch(self):
        asked, _ = self.ask("OPTIONS", self.url.path,
                            {"Access-Control-Request-Method": "GET",
                             "Access-Control-Request-Private-Network": "true"})
        check(asked.status == 204, asked.status)
        check(asked.headers["Access-Control-Allow-Origin"] == ORIGIN, asked.headers)
        check("GET" in asked.headers["Access-Control-Allow-Methods"], asked.headers)
        check(asked.headers["Access-Control-Allow-Private-Network"] == "true", asked.headers)
        head, nothing = self.ask("HEAD", self.url.path)
        check(head.status == 200 and nothing == b"", "HEAD")
        response, body = self.ask("GET", self.url.path)
        check(response.status == 200, response.status)
        check(response.headers["Access-Control-Allow-Origin"] == ORIGIN, response.headers)
        check(response.headers["Cache-Control"] == "no-store", response.headers)
        check(int(head.headers["Content-Length"]) == len(body) ==
              int(response.headers["Content-Length"]), "Content-Length")
        sys.stdout.buffer.write(body)

    def refused(self):
        try:
            socket.create_connection(self.address, timeout=60).close()
        except ConnectionRefusedError:
            return
        sys.exit("FAIL: it still listens")

    def misbehave(self):
        host = f"Host: {self.url.netloc}\r\n"
        get = f"GET {self.url.path} HTTP/1.1\r\n{host}\r\n".encode()
        check(self.say(b"") == b"", "nothing")
        check(self.say(get[:20]) == b"", "a request cut short")
        check(b" 400 " in self.say(b"\0\xff\n\n" * 10), "nonsense")
        check(b" 400 " in self.say(b"A" * 8192), "no end")
        self.say(b"GET / HTTP/1.1\r\n" + b"A: b\r\n" * 100000)
        check(b" 404 " in self.say(f"GET /x HTTP/1.1\r\n{host}\r\n".encode()), "another file")
        check(b" 403 " in self.say(get.replace(b"127.0.0.1", b"evil.example")), "another host")
        check(b" 403 " in self.say(get[:-2] + b"Origin: https://evil.example\r\n\r\n"), "a page")
        check(b" 405 " in self.say(get.replace(b"GET", b"PUT")), "another method")
        # Breaks off after a part of the file, with a reset.
        for _ in range(3):
            with socket.create_connection(self.address, timeout=60) as connection:
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
                connection.sendall(get)
                check(connection.recv(100).startswith(b"HTTP/1.1 200"), "a part")

    def fetch_among_silent(self):
        silent = [socket.create_connection(self.address, timeout=60) for _ in range(8)]
        silent[0].sendall(b"GET /")
        self.fetch()
        for connection in silent:
            connection.close()


getattr(Client(sys.argv[1]), sys.argv[2])()
