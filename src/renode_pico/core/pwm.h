/* State of the PWM block (RP2040 datasheet, 4.5). */
#ifndef RENODE_PICO_PWM_H
#define RENODE_PICO_PWM_H

enum { PWM_SLICES = 8 };

struct pwm_slice {
    u32 csr, div;
    u32 cc, top;           /* as written */
    u32 live_cc, live_top; /* in use: since the counter wrapped last */
    u32 counter;
    bool down;             /* phase-correct: on its way to 0 */
    bool input;            /* B, where it is counted */
    i32 fraction;          /* of the divider: in 1/16 of a cycle, since the last count; negative after PH_RET */
};

struct pwm {
    u64 time;     /* all cycles before it have been counted */
    u64 event;    /* when somebody could see a difference next */
    u32 intr, inte, intf;
    u32 out;      /* bit 2n: A of slice n, bit 2n + 1: B */
    u32 wrapped;  /* slices, since data requests were shown */
    u32 both;     /* outputs that have been high and low since they were shown */
    u32 watched, selected, listened; /* what the plan was made for */
    bool busy;    /* telling others: they may ask back */
    struct pwm_slice slice[PWM_SLICES];
};

#endif
