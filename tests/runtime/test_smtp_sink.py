"""The mail sink keeps every accepted mail, whole, once."""

import smtplib
import subprocess
from concurrent.futures import ThreadPoolExecutor
from email import message_from_bytes
from email.policy import default
from pathlib import Path

from config.runtime import commands
from config.runtime.processes import listen_on, spawn
from config.runtime.servers import ROOT

MAIL = "Subject: =?utf-8?b?57ut6LS5?=\r\nMessage-ID: <{}@example.com>\r\n\r\n.a line that starts with a dot\r\n会员\r\n"


def send_twenty(port: int, sender: int) -> None:
    with smtplib.SMTP("127.0.0.1", port) as connection:
        for number in range(20):
            mail = MAIL.format(f"{sender}-{number}").encode()
            connection.sendmail("shop@example.com", ["a@example.com", "b@example.com"], mail)


def test_each_accepted_mail_is_one_whole_file(place: Path) -> None:
    listener = listen_on(0)
    port = listener.getsockname()[1]
    command = commands.mail_sink(place / "mail", listener.fileno())
    sink = spawn(command, cwd=ROOT, stdout=subprocess.DEVNULL, pass_fds=[listener.fileno()])
    try:
        with ThreadPoolExecutor(4) as senders:
            list(senders.map(lambda sender: send_twenty(port, sender), range(4)))
    finally:
        sink.terminate()
        assert sink.wait(10) == 0
    files = sorted((place / "mail").iterdir())
    mails = [message_from_bytes(path.read_bytes(), policy=default) for path in files]
    assert [path.suffix for path in files] == [".eml"] * 80
    assert len({mail["Message-ID"] for mail in mails}) == 80
    assert mails[0]["Subject"] == "续费"
    assert mails[0].get_all("X-Envelope-To") == ["a@example.com", "b@example.com"]
    assert files[0].read_bytes().endswith(".a line that starts with a dot\r\n会员\r\n".encode())
