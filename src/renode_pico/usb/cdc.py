"""CDC-ACM ports: `usb.classes.cdc`, found here, too."""

from __future__ import annotations

from renode_pico.usb.classes.cdc import (
    ACM_SUBCLASS,
    BACKLOG,
    COMMUNICATIONS_CLASS,
    CS_INTERFACE,
    DATA_CLASS,
    GET_LINE_CODING,
    IN_TRANSFERS,
    NOTIFICATION_SIZE,
    SEND_BREAK,
    SERIAL_STATE,
    SET_CONTROL_LINE_STATE,
    SET_LINE_CODING,
    UNION,
    CdcFunction,
    CdcPort,
    LineCoding,
    cdc_functions,
    cdc_ports,
)

__all__ = [
    "ACM_SUBCLASS",
    "BACKLOG",
    "COMMUNICATIONS_CLASS",
    "CS_INTERFACE",
    "DATA_CLASS",
    "GET_LINE_CODING",
    "IN_TRANSFERS",
    "NOTIFICATION_SIZE",
    "SEND_BREAK",
    "SERIAL_STATE",
    "SET_CONTROL_LINE_STATE",
    "SET_LINE_CODING",
    "UNION",
    "CdcFunction",
    "CdcPort",
    "LineCoding",
    "cdc_functions",
    "cdc_ports",
]
