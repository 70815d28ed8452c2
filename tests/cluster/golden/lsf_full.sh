#!/bin/bash
#BSUB -J "duel[1-40]%5"
#BSUB -r
#BSUB -o /scratch/duel/logs/%J_%I.log
#BSUB -Q "99"
#BSUB -q gpu
#BSUB -P chem
#BSUB -W 36:31
#BSUB -wa USR2
#BSUB -wt 2
#BSUB -n 4
#BSUB -R "span[hosts=1]"
#BSUB -M 16384MB
#BSUB -R "rusage[mem=16384MB]"
#BSUB -gpu "num=2"
#BSUB -B

export QVAR_STOP_AT=$(( $(date +%s) + 131285 ))
module load cuda
export PATH=/opt/qvar/bin:"$PATH"
export OMP_NUM_THREADS=4
export QVAR_QUEUE=lsf
exec qvar worker /scratch/duel --index "$((1000 + ${LSB_JOBINDEX:?}))"
