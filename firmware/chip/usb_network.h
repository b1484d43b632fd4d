// A network of one: each Ethernet frame comes back with its addresses exchanged. By TinyUSB's drivers.
#include "usb_device.h"

enum { CONTROL, DATA, INTERFACES };

#if CFG_TUD_NCM
#define NUMBER 0xC003
#define NETWORK_LENGTH TUD_CDC_NCM_DESC_LEN
#define NETWORK(...) TUD_CDC_NCM_DESCRIPTOR(__VA_ARGS__)
#else
#define NUMBER 0xC004
#define NETWORK_LENGTH TUD_CDC_ECM_DESC_LEN
#define NETWORK(...) TUD_CDC_ECM_DESCRIPTOR(__VA_ARGS__)
#endif

static tusb_desc_device_t const device = DEVICE(NUMBER, 0x0200);
static uint8_t const configuration[] = {
    TUD_CONFIG_DESCRIPTOR(1, INTERFACES, 0, TUD_CONFIG_DESC_LEN + NETWORK_LENGTH, 0, 100),
    NETWORK(CONTROL, 4, 5, 0x81, 64, 0x02, 0x82, 64, CFG_TUD_NET_MTU),
};
static char const *const texts[] = { "", "renode-pico", "network", "0003", "network", "02021A2B3C4D" };

uint8_t tud_network_mac_address[6] = { 0x02, 0x02, 0x1A, 0x2B, 0x3C, 0x4D };

uint8_t const *tud_descriptor_device_cb(void) { return (uint8_t const *)&device; }
uint8_t const *tud_descriptor_configuration_cb(uint8_t index) { (void)index; return configuration; }
uint16_t const *tud_descriptor_string_cb(uint8_t index, uint16_t language) { (void)language; return string_of(texts, TU_ARRAY_SIZE(texts), index); }

// What has come and waits to be sent back.
enum { WAITING = 8 };
static uint8_t frames[WAITING][CFG_TUD_NET_MTU];
static uint16_t lengths[WAITING];
static unsigned first, count;

void tud_network_init_cb(void) { first = count = 0; }

bool tud_network_recv_cb(uint8_t const *frame, uint16_t length) {
    if(count == WAITING || length < 12 || length > CFG_TUD_NET_MTU) {
        return count < WAITING;
    }
    unsigned at = (first + count++) % WAITING;
    memcpy(frames[at], frame + 6, 6);
    memcpy(frames[at] + 6, frame, 6);
    memcpy(frames[at] + 12, frame + 12, length - 12);
    lengths[at] = length;
    tud_network_recv_renew();
    return true;
}

uint16_t tud_network_xmit_cb(uint8_t *into, void *frame, uint16_t length) {
    memcpy(into, frame, length);
    return length;
}

static void work(void) {
    while(count && tud_ready() && tud_network_can_xmit(lengths[first])) {
        tud_network_xmit(frames[first], lengths[first]);
        first = (first + 1) % WAITING;
        count--;
        tud_network_recv_renew();
    }
}

#if CFG_TUD_ECM_RNDIS
// TinyUSB's driver is for RNDIS, too, whose messages nobody sends here.
void rndis_class_set_handler(uint8_t *data, int length) {
    (void)data;
    (void)length;
}
#endif

int main(void) {
    serve(work);
}
