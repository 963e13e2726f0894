"""Mails as a mail program reads them: one JSON object for each file that is named (or for each mail of an mbox)."""

import email
import email.policy
import json
import mailbox
import sys


def mails(path):
    if path.endswith(".mbox"):
        return [email.message_from_bytes(mail.as_bytes(), policy=email.policy.default) for mail in mailbox.mbox(path)]
    with open(path, "rb") as file:
        return [email.message_from_binary_file(file, policy=email.policy.default)]


for path in sys.argv[1:]:
    for mail in mails(path):
        parts = [part for part in mail.walk() if not part.is_multipart()]
        print(
            json.dumps(
                {
                    "file": path,
                    "headers": sorted(set(name.lower() for name in mail.keys())),
                    "subject": mail["subject"],
                    "from": mail["from"],
                    "to": mail["to"],
                    "date": mail["date"].datetime.timestamp(),
                    "id": mail["message-id"],
                    "auto": mail["auto-submitted"],
                    "type": mail.get_content_type(),
                    "types": [part.get_content_type() for part in parts],
                    "text": parts[0].get_content(),
                    "html": parts[-1].get_content(),
                    "defects": [str(defect) for part in mail.walk() for defect in part.defects],
                }
            )
        )
