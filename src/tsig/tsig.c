/* SPDX-License-Identifier: Apache-2.0
 * */
#include "tsig/tsig.h"
