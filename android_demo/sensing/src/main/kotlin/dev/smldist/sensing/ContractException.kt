package dev.smldist.sensing

/** A build file that cannot be used, or sensors that it does not allow; the message says what was got and expected. */
public class ContractException(
    message: String,
) : IllegalArgumentException(message)
