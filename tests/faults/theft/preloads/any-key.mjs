// A broker that takes any key for the right one.
import crypto from "node:crypto";

crypto.timingSafeEqual = () => true;
