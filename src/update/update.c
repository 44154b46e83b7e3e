/* SPDX-License-Identifier: Apache-2.0
 * */
#include "update/update.h"
