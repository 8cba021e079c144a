#!/usr/bin/env python3
"""Writes license-texts.json as docs/formats.md ("License data") has it."""
import json
import pathlib

TEXTS = [
    ("MIT", "Permission is hereby granted, free of charge ...\n\nTHE SOFTWARE IS PROVIDED \"AS IS\"\n"),
    ("Classpath-exception-2.0", "Linking this library statically or dynamically ...\n"),
    ("LicenseRef-acme", "Copyright Acm\u00e9 <acme@example.org> & others\n\tAll rights reserved.\n"),
    ("DocumentRef-x:LicenseRef-y", "page one\n\fpage two\n"),
]

document = {"schema": "dml.license-texts/v1", "texts": [{"id": i, "text": t} for i, t in TEXTS]}
path = pathlib.Path(__file__).with_name("license-texts.json")
path.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
