#!/bin/bash
#BSUB -J duel_c
#BSUB -r
#BSUB -o /dev/null
#BSUB -w "ended(7) && ended(8)"
#BSUB -W 0:01
#BSUB -n 1

exec >>'/scratch/50% done/logs/'"collect_${LSB_JOBID}.log" 2>&1
export QVAR_STOP_AT=$(( $(date +%s) + 50 ))
export OMP_NUM_THREADS=1
export QVAR_QUEUE=lsf
exec qvar collect '/scratch/50% done'
