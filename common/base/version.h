#ifndef BASE_VERSION_H
#define BASE_VERSION_H

#define PROXYD_VERSION	"0.1.0"

#endif /* BASE_VERSION_H */
