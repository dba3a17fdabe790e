import { accountFaults } from "./account-faults.ts";
import { clientFaults } from "./client-faults.ts";
import { dataFaults } from "./data-faults.ts";
import { diskFaults } from "./disk-faults.ts";
import type { Fault } from "./fault.ts";
import { memberFaults } from "./member-faults.ts";
import { networkFaults } from "./network-faults.ts";

/** Every kind of fault. */
export const allFaults: readonly Fault[] = [
  ...memberFaults,
  ...diskFaults,
  ...networkFaults,
  ...dataFaults,
  ...accountFaults,
  ...clientFaults,
];
