#include "usb_config.h"

#define CFG_TUD_ECM_RNDIS 1
