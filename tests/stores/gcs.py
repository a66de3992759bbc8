"""A test server of Google Cloud Storage, on the loopback address.

    gcs.py PORT PROXY_PORT FOLDER

gcp-storage-emulator keeps the objects, in memory. It knows neither credentials nor conditions, so three things are added
here:

- `ifGenerationMatch=0`, as Google documents it: an object is made only if there is none, else the answer is 412. Every request is done under one
  lock, so the condition holds for requests that come at once.
- Tokens: a request needs one that was given in return for an assertion signed by a service account. Google gives them at
  one address only, which vidne is led to by HTTPS_PROXY; this is that proxy, and that address.
- Trouble, where a test asks for it by the names that it chooses: in the buckets `ignores` and `composes-over` the condition
  is ignored in all requests and in compositions, in `mumbles` the answer to a composition makes no sense; and below a folder
  `before-7` or `after-7` the seventh request is not answered, before or after it was done.

It shows that vidne's requests are understood and what becomes of them when answers are lost. It is not Google's server.

FOLDER gets `account.json`, the service account's key, and `ca.pem`, whom to trust as Google. Made buckets: those above and
`siem`. The token `consumer` is for whoever looks at the objects. `GET /requests` says how many there were below each of those folders.
"""

import base64
import datetime
import http.server
import io
import json
import logging
import pathlib
import re
import secrets
import socketserver
import ssl
import sys
import threading
import urllib.parse
from functools import partial
from http import HTTPStatus

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509.oid import NameOID
from gcp_storage_emulator import server as emulator
from gcp_storage_emulator.exceptions import NotFound
from gcp_storage_emulator.handlers import buckets, objects
from gcp_storage_emulator.storage import Storage

GOOGLE = "oauth2.googleapis.com"
BUCKETS = ["siem", "ignores", "composes-over", "mumbles"]
GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"

tokens = {"consumer"}


def is_there(storage, bucket, name):
    try:
        storage.get_file_obj(bucket, name)
        return True
    except NotFound:
        return False


def under_condition(act):
    """The same act, which makes an object only if there is none where that is asked for."""

    def conditional(request, response, storage, *args, **kwargs):
        bucket = request.params["bucket_name"]
        name = request.params.get("object_id") or request.query.get("name", [""])[0]
        ignored = bucket == "ignores" or (bucket == "composes-over" and act is objects.compose)
        asked = request.query.get("ifGenerationMatch") == ["0"] and not ignored
        if asked and is_there(storage, bucket, name):
            request.data  # Read, or the answer does not get through.
            response.status = HTTPStatus.PRECONDITION_FAILED
            reason = {"domain": "global", "reason": "conditionNotMet", "message": "Precondition Failed"}
            response.json({"error": {"code": 412, "message": "Precondition Failed", "errors": [reason]}})
            return None
        act(request, response, storage, *args, **kwargs)
        if bucket == "mumbles" and act is objects.compose:
            response.json("done, I think")
        return None

    return conditional


def with_size_as_text(make):
    """Sizes are numbers that Google writes as texts; the emulator does so for some objects only."""

    def made(*args, **kwargs):
        made = make(*args, **kwargs)
        return {**made, "size": str(made["size"])} if made.get("size") is not None else made

    return made


objects._make_object_resource = with_size_as_text(objects._make_object_resource)


CONDITIONAL = {act: under_condition(act) for act in (objects.insert, objects.upload_partial, objects.compose)}
emulator.HANDLERS = tuple(
    (path, {method: CONDITIONAL.get(act, act) for method, act in acts.items()})
    for path, acts in emulator.HANDLERS
)


class Requests(http.server.BaseHTTPRequestHandler):
    """Requests for objects."""

    lock = threading.Lock()
    counts = {}

    def __init__(self, storage, *args):
        self.storage = storage
        super().__init__(*args)

    def harm(self):
        """`before`, `after` or nothing: what is to happen to the answer."""
        below = re.search(r"\b(before|after)-(\d+)/", urllib.parse.unquote(self.path) + "/")
        if not below:
            return None
        when, number = below.groups()
        folder = f"{when}-{number}"
        self.counts[folder] = self.counts.get(folder, 0) + 1
        return when if self.counts[folder] == int(number) else None

    def handle_request(self):
        with self.lock:
            if self.path == "/requests":
                return self.answer(json.dumps(self.counts).encode())
            # Whoever knows the address of an upload that has begun may go on with it.
            begun = "upload_id=" in self.path
            if not begun and self.headers.get("Authorization", "").removeprefix("Bearer ") not in tokens:
                return self.send_error(HTTPStatus.UNAUTHORIZED)
            # The emulator says null of an object that comes without a type.
            if "Content-Type" not in self.headers:
                self.headers["Content-Type"] = "application/octet-stream"
            harm = self.harm()
            if harm == "before":
                return None
            if harm == "after":
                self.wfile = io.BytesIO()
            return emulator.Router(self).handle(self.command)

    def answer(self, body):
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = do_PUT = do_DELETE = handle_request

    def log_message(self, *_):
        pass


def serialized(key):
    form = serialization.PrivateFormat.PKCS8
    return key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption())


def certificate(folder):
    """Makes Google's certificate, which nobody but the test trusts, and its key."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, GOOGLE)])
    now = datetime.datetime.now(datetime.timezone.utc)
    day = datetime.timedelta(days=1)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - day)
        .not_valid_after(now + day)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(GOOGLE)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    public = made.public_bytes(serialization.Encoding.PEM)
    (folder / "ca.pem").write_bytes(public)
    (folder / "google.pem").write_bytes(serialized(key) + public)


def decoded(part):
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


def token_for(form, account):
    """A token for an assertion that the service account has signed; nothing for another one."""
    head, claims, signature = form["assertion"][0].split(".")
    signed = f"{head}.{claims}".encode()
    # Fails if somebody else signed it.
    account.public_key().verify(decoded(signature), signed, padding.PKCS1v15(), hashes.SHA256())
    if form["grant_type"] != [GRANT] or json.loads(decoded(claims))["aud"] != f"https://{GOOGLE}/token":
        raise ValueError("not an assertion for a token")
    token = secrets.token_urlsafe()
    tokens.add(token)
    return {"access_token": token, "expires_in": 3600, "token_type": "Bearer"}


class Proxy(socketserver.StreamRequestHandler):
    """A connection to Google's address for tokens, and to nothing else."""

    def __init__(self, context, account, *args):
        self.context, self.account = context, account
        super().__init__(*args)

    def handle(self):
        asked = self.rfile.readline()
        while self.rfile.readline().strip():
            pass
        if not asked.startswith(f"CONNECT {GOOGLE}:443 ".encode()):
            self.wfile.write(b"HTTP/1.1 403 Forbidden\r\n\r\n")
            return
        self.wfile.write(b"HTTP/1.1 200 OK\r\n\r\n")
        with self.context.wrap_socket(self.connection, server_side=True) as google:
            stream = google.makefile("rwb")
            stream.readline()
            length = 0
            while line := stream.readline().strip():
                name, _, value = line.partition(b":")
                length = int(value) if name.lower() == b"content-length" else length
            form = urllib.parse.parse_qs(stream.read(length).decode())
            body = json.dumps(token_for(form, self.account)).encode()
            head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
            stream.write(head.encode() + body)
            stream.flush()


class Threads(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True


def main():
    port, proxy_port, folder = int(sys.argv[1]), int(sys.argv[2]), pathlib.Path(sys.argv[3])
    logging.disable()
    account = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    key = {
        "type": "service_account",
        "client_email": "vidne@test.iam.gserviceaccount.com",
        "private_key": serialized(account).decode(),
    }
    (folder / "account.json").write_text(json.dumps(key))
    certificate(folder)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "google.pem")
    storage = Storage(use_memory_fs=True)
    for bucket in BUCKETS:
        buckets.create_bucket(bucket, storage)
    proxy = Threads(("127.0.0.1", proxy_port), partial(Proxy, context, account))
    threading.Thread(target=proxy.serve_forever, daemon=True).start()
    objects_server = http.server.ThreadingHTTPServer(("127.0.0.1", port), partial(Requests, storage))
    print("ready", file=sys.stderr, flush=True)
    objects_server.serve_forever()


if __name__ == "__main__":
    main()
