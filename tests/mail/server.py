"""A mail server for the tests: what it is given, it writes into a folder, one file for each mail.

server.py FOLDER [--tls implicit|starttls CERTIFICATE KEY] [--login USER PASSWORD] [--ascii]

It prints its port. A file FOLDER/fault (such as "RCPT 451 4.7.1 later") is what it says at that stage instead.
"""

import asyncio
import json
import pathlib
import ssl
import sys

from aiosmtpd.smtp import SMTP, AuthResult

folder = pathlib.Path(sys.argv[1])
options = sys.argv[2:]


def option(name, count):
    if name not in options:
        return None
    place = options.index(name) + 1
    return options[place : place + count]


tls = option("--tls", 3)
login = option("--login", 2)


def fault(stage, *names):
    """What is to be said at a stage; with a name behind the stage (RCPT/bad@x), only of that one."""
    file = folder / "fault"
    if not file.exists():
        return None
    wanted, _, answer = file.read_text().strip().partition(" ")
    wanted, _, name = wanted.partition("/")
    return answer if wanted == stage and (not name or name in names) else None


class Handler:
    count = 0

    async def handle_EHLO(self, server, session, envelope, hostname, responses):
        session.host_name = hostname
        answer = fault("EHLO")
        return [answer] if answer else responses

    async def handle_MAIL(self, server, session, envelope, address, mail_options):
        envelope.mail_from = address
        return fault("MAIL") or "250 OK"

    async def handle_RCPT(self, server, session, envelope, address, rcpt_options):
        answer = fault("RCPT", address)
        if answer is None:
            envelope.rcpt_tos.append(address)
        return answer or "250 OK"

    async def handle_DATA(self, server, session, envelope):
        answer = fault("DATA")
        if answer:
            return answer
        Handler.count += 1
        name = f"{Handler.count:04}"
        about = {
            "hello": session.host_name,
            "from": envelope.mail_from,
            "to": envelope.rcpt_tos,
            "tls": server.transport.get_extra_info("sslcontext") is not None,
            "login": session.auth_data.login.decode() if session.authenticated else None,
        }
        (folder / f"{name}.json").write_text(json.dumps(about))
        part = folder / f"{name}.part"
        part.write_bytes(envelope.content)
        part.rename(folder / f"{name}.eml")
        return f"250 OK: queued as {name}"


def authenticate(server, session, envelope, mechanism, data):
    good = [data.login.decode(), data.password.decode()] == login
    return AuthResult(success=good, handled=good, auth_data=data)


def make():
    context = None
    if tls:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(tls[1], tls[2])
    starttls = context if tls and tls[0] == "starttls" else None
    settings = {"hostname": "mail.test", "tls_context": starttls, "require_starttls": starttls is not None}
    if login:
        settings |= {"authenticator": authenticate, "auth_required": True, "auth_require_tls": tls is not None and starttls is not None}
    return SMTP(Handler(), enable_SMTPUTF8="--ascii" not in options, **settings), context


async def main():
    implicit = make()[1] if tls and tls[0] == "implicit" else None
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: make()[0], "127.0.0.1", 0, ssl=implicit)
    print(server.sockets[0].getsockname()[1], flush=True)
    await asyncio.Event().wait()


asyncio.run(main())
