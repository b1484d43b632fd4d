/* State of the PWM block (RP2040 datasheet, 4.5). */
#ifndef RENODE_PICO_PWM_H
#define RENODE_PICO_PWM_H

struct pwm {
    u32 reserved; /* to be written by pwm.c's author */
};

#endif
