"""Certificates for tests, by openssl: an authority, and what it signs."""

import os
import subprocess


def openssl(folder, *words):
    subprocess.run(["openssl", *words], cwd=folder, check=True, stdout=subprocess.DEVNULL,
                   stderr=subprocess.DEVNULL)


def make_authority(folder, name):
    """NAME.pem and NAME.key."""
    openssl(folder, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj",
            "/CN=" + name, "-keyout", name + ".key", "-out", name + ".pem")


def make_certificate(folder, name, authority, alternatives, days=2):
    """NAME.pem and NAME.key, signed by `authority`; `days` below 0: expired."""
    with open(os.path.join(folder, name + ".ext"), "w", encoding="utf-8") as file:
        file.write("subjectAltName=%s\nbasicConstraints=CA:FALSE\n" % alternatives)
    openssl(folder, "req", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=" + name, "-keyout",
            name + ".key", "-out", name + ".csr")
    openssl(folder, "x509", "-req", "-in", name + ".csr", "-CA", authority + ".pem", "-CAkey",
            authority + ".key", "-CAcreateserial", "-days", str(days), "-extfile", name + ".ext",
            "-out", name + ".pem")
    os.chmod(os.path.join(folder, name + ".key"), 0o600)
