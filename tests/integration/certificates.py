"""Certificates for the tests of TLS, made by openssl in a folder."""

import os
import subprocess

CONFIG = """
[ca]
default_ca = site
[site]
dir = {folder}
database = {folder}/index-{name}.txt
new_certs_dir = {folder}
serial = {folder}/serial-{name}
private_key = {folder}/{name}.key
certificate = {folder}/{name}.crt
default_md = sha256
policy = any
copy_extensions = copy
unique_subject = no
[any]
commonName = supplied
"""


def _openssl(folder, *words):
    subprocess.run(["openssl", *words], cwd=folder, check=True, timeout=60,
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def _key(folder, name):
    _openssl(folder, "ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", name + ".key")
    os.chmod(os.path.join(folder, name + ".key"), 0o600)


def make_authority(folder, name):
    """NAME.key and NAME.crt: a certificate that may sign others."""
    _key(folder, name)
    _openssl(folder, "req", "-x509", "-new", "-key", name + ".key", "-days", "30", "-subj",
             "/CN=" + name, "-out", name + ".crt", "-addext", "basicConstraints=critical,CA:TRUE",
             "-addext", "keyUsage=critical,keyCertSign,cRLSign")
    for path, text in (("index-%s.txt", ""), ("serial-%s", "1000\n"),
                       ("%s.cnf", CONFIG.format(folder=folder, name=name))):
        with open(os.path.join(folder, path % name), "w", encoding="ascii") as file:
            file.write(text)


def make_certificate(folder, name, authority, names, days=("-1", "30")):
    """NAME.key and NAME.crt for `names` ("DNS:localhost,IP:127.0.0.1"), valid from and to `days` from now."""
    from datetime import datetime, timedelta, timezone
    begin, end = [(datetime.now(timezone.utc) + timedelta(days=int(day))).strftime("%Y%m%d%H%M%SZ")
                  for day in days]
    _key(folder, name)
    _openssl(folder, "req", "-new", "-key", name + ".key", "-subj", "/CN=" + name, "-out",
             name + ".csr", "-addext", "subjectAltName=" + names)
    _openssl(folder, "ca", "-batch", "-config", authority + ".cnf", "-startdate", begin,
             "-enddate", end, "-in", name + ".csr", "-out", name + ".crt", "-notext")


def make_self_signed(folder, name, names):
    _key(folder, name)
    _openssl(folder, "req", "-x509", "-new", "-key", name + ".key", "-days", "30", "-subj",
             "/CN=" + name, "-out", name + ".crt", "-addext", "subjectAltName=" + names)
