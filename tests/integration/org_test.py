"""Drives the real sfedge-org: every error code, every fault, log-in, gzip, TLS and the audit.

Usage: org_test.py PATH-TO-sfedge-org [unittest arguments]
"""
import sys
import unittest

import org_event_cases
import org_graph_cases
import org_login_cases
import org_record_cases
import org_server_cases
from org_driver import Place


def load_tests(loader, _tests, _pattern):
    modules = (org_event_cases, org_graph_cases, org_login_cases, org_record_cases, org_server_cases)
    return unittest.TestSuite(loader.loadTestsFromModule(module) for module in modules)


if __name__ == "__main__":
    Place.binary = sys.argv.pop(1)
    Place.open()
    unittest.main()
